"""Carries events from whoever saw them to whoever subscribed; a subscriber's failure never reaches the job."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.events.catalog import Event

logger = logging.getLogger("sqlqueue.events")


class Bus:
    """Subscribers by kind of event, called in order in the thread of whoever emits."""

    def __init__(self) -> None:
        self._by_kind: dict[type, tuple[Callable[[Event], object], ...]] = {}
        self._changing = threading.Lock()

    def subscribe(self, subscriber: Callable[[Event], object], *kinds: type) -> None:
        """Call ``subscriber`` with every event of these ``kinds`` from now on."""
        with self._changing:
            for kind in kinds:
                self._by_kind[kind] = (*self._by_kind.get(kind, ()), subscriber)

    def unsubscribe(self, subscriber: Callable[[Event], object], *kinds: type) -> None:
        """Call ``subscriber`` no more with events of these ``kinds``."""
        with self._changing:
            for kind in kinds:
                left = tuple(one for one in self._by_kind.get(kind, ()) if one != subscriber)
                if left:
                    self._by_kind[kind] = left
                else:
                    self._by_kind.pop(kind, None)  # so that nobody makes one for nobody

    def wants(self, kind: type) -> bool:
        """Whether anybody subscribed to that kind, so that one need not be made for nobody."""
        return kind in self._by_kind

    def emit(self, event: Event) -> None:
        """Tell the subscribers of the event's kind."""
        for subscriber in self._by_kind.get(type(event), ()):
            try:
                subscriber(event)
            except Exception:
                logger.exception("a subscriber failed on %s", type(event).__name__)

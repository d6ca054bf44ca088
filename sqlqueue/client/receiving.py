"""`Receiver`: reads the stream of events for as long as it is let, and says meanwhile that somebody watches.

Next room: ``store.ops.events``. What becomes of events is ``events.state``, or your own handlers.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

from sqlqueue.client.jobs import call_workers
from sqlqueue.domain.clock import SYSTEM_CLOCK, monotonic
from sqlqueue.domain.control import Message
from sqlqueue.domain.ids import new_incarnation, new_job_id
from sqlqueue.errors import ConfigError, StoreUnavailable
from sqlqueue.store.ops.events import newest_event, read_events, watch_events
from sqlqueue.store.ops.post import post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlqueue.store.ops.events import Told
    from sqlqueue.store.store import Store

logger = logging.getLogger("sqlqueue.events")

LEASE = 15.0
"""Seconds that workers go on telling after a receiver has said that it watches; longer than they take to look again."""

RENEW = 5.0
"""Seconds after which it says so again."""

REST = 0.2
"""Seconds between two looks for events."""

AT_A_TIME = 1000
"""Events that are read at a time."""

REST_AFTER_ERROR = 1.0

Handler = "Callable[[dict[str, Any]], object]"


class Receiver:
    """Reads events while it captures.

    Parameters
    ----------
    handlers: by an event's type, or ``*`` for all that have none, what is called with each event, a dict.
    """

    def __init__(self, store: Store, handlers: Mapping[str, Callable[[dict[str, Any]], object]] | None = None) -> None:
        self.handlers = dict(handlers or {})
        for type_, handler in self.handlers.items():
            if not callable(handler):
                raise ConfigError(f"the handler of {type_!r} is {handler!r}: use a function of one event")
        self.should_stop = False
        """Set it, in any thread or in a handler, to end a capture."""
        self._store = store
        self._name = new_incarnation()

    def capture(self, limit: int | None = None, timeout: float | None = None, wakeup: bool = True) -> None:
        """Call the handlers with events as they come, until ``should_stop``.

        Parameters
        ----------
        limit: end after so many events.
        timeout: seconds without an event.
        wakeup: let workers say at once that they live.

        Raises
        ------
        TimeoutError: there was no event for so long.
        """
        for _ in self.itercapture(limit, timeout, wakeup):
            pass

    async def acapture(self, limit: int | None = None, timeout: float | None = None, wakeup: bool = True) -> None:
        """The same, awaited; handlers are called in a helper thread."""
        try:
            await asyncio.to_thread(self.capture, limit, timeout, wakeup)
        finally:
            self.should_stop = True

    def itercapture(
        self, limit: int | None = None, timeout: float | None = None, wakeup: bool = True
    ) -> Iterator[dict[str, Any]]:
        """Return an iterator over events from now on, each when its handler was called; see `capture` for the rest."""
        self.should_stop = False
        return self._events(self._begin(wakeup=wakeup), limit, timeout)

    def _events(self, after: int, limit: int | None, timeout: float | None) -> Iterator[dict[str, Any]]:
        heard_at = renewed_at = monotonic()
        left, pause = limit, threading.Event()
        while not self.should_stop:
            if monotonic() - renewed_at >= RENEW:
                self._try(self._store.run, watch_events, self._name, LEASE)
                renewed_at = monotonic()
            found: list[Told] = self._try(self._store.read, read_events, after, AT_A_TIME) or []
            for told in found:
                after = told.seq
                yield self._received(told)
                left = None if left is None else left - 1
                if left == 0 or self.should_stop:
                    return
            now = monotonic()
            heard_at = now if found else heard_at
            if timeout is not None and now - heard_at >= timeout:
                raise TimeoutError(f"no event for {timeout:g} s")
            if len(found) < AT_A_TIME:
                pause.wait(REST)

    def process(self, type: str, event: dict[str, Any]) -> None:  # noqa: A002 - Celery's
        """Call the handler of that type."""
        handler = self.handlers.get(type) or self.handlers.get("*")
        if handler is not None:
            handler(event)

    def wakeup_workers(self) -> None:
        """Let workers say at once that they live."""
        self._store.run(post, Message(new_job_id(), "heartbeat", {}))
        call_workers(self._store)

    def _begin(self, *, wakeup: bool) -> int:
        """Say that somebody watches, and return the number after which events are new."""
        self._store.run(watch_events, self._name, LEASE)
        after = self._store.read(newest_event)
        if wakeup:
            self.wakeup_workers()
        else:
            call_workers(self._store)
        return after

    def _try(self, run: Callable[..., Any], *arguments: Any) -> Any:
        """Run a verb; None while the database cannot be reached."""
        try:
            return run(*arguments)
        except StoreUnavailable as error:
            logger.warning("no events for now: %s", error)
            threading.Event().wait(REST_AFTER_ERROR)
            return None

    def _received(self, told: Told) -> dict[str, Any]:
        event = {**told.event, "clock": told.seq, "local_received": SYSTEM_CLOCK.now().timestamp()}
        self.process(event["type"], event)
        return event

"""Calls back at given moments, from one thread that exists once the first alarm is set."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("sqlqueue.services")


class Alarm:
    """One call to come."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        """Do not call any more; a call that has begun goes on."""
        self.call = None


class Alarms:
    """A clock for many alarms.

    Parameters
    ----------
    name: names the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def set(self, moment: float, call: Callable[[], object]) -> Alarm:
        """Let ``call`` be called at ``moment``, monotonic; it should be quick."""
        alarm = Alarm(call)
        with self._changed:
            heapq.heappush(self._heap, (moment, next(self._numbers), alarm))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"sqlqueue-{self._name}", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is alarm:
                self._changed.notify()
        return alarm

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._heap or (rest := self._heap[0][0] - monotonic()) > 0:
                    self._changed.wait(rest if self._heap else None)
                _, _, alarm = heapq.heappop(self._heap)
            call = alarm.call
            if call is not None:
                try:
                    call()
                except Exception:
                    logger.exception("%s: an alarm failed", self._name)

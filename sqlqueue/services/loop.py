"""A loop calls ``tick`` and rests as long as it says; it can be woken, it survives errors, it stops when told.

Every long-lived part of sqlqueue is one of these, so there is one place for the races of sleeping and stopping.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import chance, monotonic

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("sqlqueue.services")

FIRST_REST_AFTER_ERROR = 0.1
LONGEST_REST_AFTER_ERROR = 5.0
"""Seconds; a database that comes back is found within this time."""

REMINDER = 60.0
"""Seconds between two lines about failures that go on: one line says it, a thousand hide it."""


class Loop:
    """One thread that ticks.

    Parameters
    ----------
    name: names the thread and its log lines.
    tick: does one round and returns the seconds to rest; `wake` cuts a rest short.
    leave: called at the end, in the loop's thread.
    """

    def __init__(self, name: str, tick: Callable[[], float], leave: Callable[[], object] = lambda: None) -> None:
        self.name = name
        self._tick = tick
        self._leave = leave
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._errors = 0
        self._said_at = 0.0
        self._chance = chance()

    def start(self) -> None:
        """Begin to tick, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name=f"sqlqueue-{self.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """End the present rest, or skip the next one."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the loop to end after its present tick; see `join`."""
        self._stopping = True
        self._wake.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait up to ``timeout`` seconds for the loop to have ended; True if it has."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self.running

    @property
    def running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._wake.clear()  # before looking at _stopping, or a stop just now is slept through
            if self._stopping:
                self._leave()
                return
            rest = self._round()
            if rest > 0:
                self._wake.wait(rest)

    def _round(self) -> float:
        try:
            rest = self._tick()
        except BaseException as error:  # also SystemExit, which would end the thread without a word
            self._errors += 1
            self._complain(error)
            logger.debug("%s", self.name, exc_info=True)
            cap = min(FIRST_REST_AFTER_ERROR * 2**self._errors, LONGEST_REST_AFTER_ERROR)
            return self._chance.uniform(cap / 2, cap)
        if self._errors:
            logger.info("%s: works again after %d failed rounds", self.name, self._errors)
        self._errors = 0
        return rest

    def _complain(self, error: BaseException) -> None:
        """Say what failed; while it goes on failing, only now and then."""
        if self._errors == 1 or monotonic() - self._said_at >= REMINDER:
            self._said_at = monotonic()
            again = "" if self._errors == 1 else f", {self._errors} rounds in a row"
            logger.error("%s: %s: %s (will go on%s)", self.name, type(error).__name__, error, again)

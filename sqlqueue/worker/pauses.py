"""Knows which queues are paused, and tells when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.events.catalog import QueuePaused, QueueResumed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sqlqueue.events.bus import Bus


class Pauses:
    """The pauses of one worker's queues.

    Parameters
    ----------
    queues: those that this worker serves, asked anew each time.
    tell: is told the paused ones among them whenever they change.
    """

    def __init__(
        self, queues: Callable[[], Collection[str]], bus: Bus, tell: Callable[[frozenset[str]], object]
    ) -> None:
        self._queues = queues
        self._bus = bus
        self._tell = tell
        self._paused: frozenset[str] = frozenset()

    def take(self, paused: Iterable[str]) -> None:
        """Take note of all queues that are paused now; tell only when something has changed."""
        found = frozenset(paused).intersection(self._queues())
        if found == self._paused:
            return
        before, self._paused = self._paused, found
        self._tell(found)
        for name in sorted(found - before):
            self._bus.emit(QueuePaused(name))
        for name in sorted(before - found):
            self._bus.emit(QueueResumed(name))

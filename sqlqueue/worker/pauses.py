"""Learns which queues are paused: told at once where workers can be told, and by looking often enough anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.events.catalog import QueuePaused, QueueResumed
from sqlqueue.store.ops.queues import paused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlqueue.events.bus import Bus
    from sqlqueue.store.link import Link

LOOK = 0.8
"""Seconds between two looks where nobody tells: a paused queue is let alone within a second."""

LOOK_HEARING = 4.0
"""The same where somebody does, though a message may be lost."""


class Pauses:
    """A chore.

    Parameters
    ----------
    queues: those that this worker serves.
    tell: is told the paused ones among them whenever they change.
    told: whether this worker hears of pauses at once, asked anew each time.
    """

    def __init__(
        self, queues: Collection[str], bus: Bus, tell: Callable[[frozenset[str]], object], told: Callable[[], bool]
    ) -> None:
        self._queues = queues
        self._bus = bus
        self._tell = tell
        self._told = told
        self._paused: frozenset[str] = frozenset()

    def tick(self, link: Link) -> float:
        """Look once; tell only when something has changed."""
        found = frozenset(link.read(paused)).intersection(self._queues)
        if found != self._paused:
            before, self._paused = self._paused, found
            self._tell(found)
            for name in sorted(found - before):
                self._bus.emit(QueuePaused(name))
            for name in sorted(before - found):
                self._bus.emit(QueueResumed(name))
        return LOOK_HEARING if self._told() else LOOK

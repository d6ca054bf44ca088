"""Knows which queues are paused and which limits were set, and tells when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.events.catalog import QueuePaused, QueueResumed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlqueue.domain.quota import Quota
    from sqlqueue.events.bus import Bus
    from sqlqueue.worker.registration import Registration


class Rules(NamedTuple):
    """What operators have said: the queues to leave alone, and what limits of the whole fleet allow."""

    paused: frozenset[str]
    limits: Mapping[str, Quota]


class Pauses:
    """The pauses of one worker's queues, and the limits.

    Parameters
    ----------
    registration: knows which queues this worker serves.
    tell: is told the paused ones among them and the limits, at first and whenever they change.
    """

    def __init__(self, registration: Registration, bus: Bus, tell: Callable[[Rules], object]) -> None:
        self._registration = registration
        self._bus = bus
        self._tell = tell
        self._known: Rules | None = None

    def take(self, paused: Iterable[str], limits: Mapping[str, Quota]) -> None:
        """Take note of all queues that are paused and all limits that are set now; tell only what has changed."""
        ours = self._registration
        found = Rules(ours.broadcasts.paused(paused).intersection(ours.queues), limits)
        if found == self._known:
            return
        before = self._known.paused if self._known is not None else frozenset()
        self._known = found
        self._tell(found)
        for name in sorted(found.paused - before):
            self._bus.emit(QueuePaused(name))
        for name in sorted(before - found.paused):
            self._bus.emit(QueueResumed(name))

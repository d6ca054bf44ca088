"""When an idle worker looks again, and when it searches for lanes of priorities that no job has had yet.

Notifications name their lane. Where nobody tells, every write may have made one: a doubt, and the next claim looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.ops.claim import lanes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.store.link import Link

SEARCH = 5.0
"""Seconds between two searches without a doubt."""

AGAIN = 0.01
"""The same with one, at least: where there is one write, more follow."""

SHARE = 0.05
"""Part of its time that a worker spends on searches; with a thousand lanes one takes milliseconds."""

HEARING_POLL = 4.5
"""Seconds between two looks of an idle worker that hears notifications: they are hints, and may be lost."""

SHORTEST_POLL = 0.01
"""The same of one that must look for itself, right after it had work."""

NEVER = float("inf")


def patience(idle: float, longest: float, *, hears: bool) -> float:
    """Return how many seconds an idle worker rests: few while there was work a moment ago and nobody wakes it.

    Parameters
    ----------
    idle: seconds since it last had work.
    longest: seconds between two looks when nothing wakes it.
    """
    return HEARING_POLL if hears else min(max(idle / 10, SHORTEST_POLL), longest)


class LaneSearch:
    """Looks for lanes, in time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._doubt = True
        self._may = self._must = 0.0

    def doubt(self) -> None:
        """Take note, in any thread, that there may be jobs of which nobody has told."""
        self._doubt = True

    def look(self, link: Link, queues: Sequence[str]) -> list[tuple[str, int]]:
        """Return the lanes that there are, queue and priority; none when it is not time to look."""
        began = self._clock.monotonic()
        if began < (self._may if self._doubt else self._must):
            return []
        self._doubt = False  # first: what is written while we look is a doubt again
        found = link.run(lanes, queues)
        ended = self._clock.monotonic()
        self._may = ended + max(AGAIN, (ended - began) / SHARE)
        self._must = ended + SEARCH
        return found

    def rest(self) -> float:
        """Return for how long a worker with free slots may rest."""
        return max(self._may - self._clock.monotonic(), 0.0) if self._doubt else NEVER

"""Releases blocked jobs that a crash has left behind: nothing else would ever look at them again. The leader's chore.

In good order there are none: dependents are released in the transaction that settles the last job they wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.store.ops.release import anything_blocked, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.store.link import Link
    from sqlqueue.store.rows import Placed

SWEEP_EVERY = 10.0
"""Seconds between two sweeps."""

SWEEP_SHARE = 50
"""A sweep that takes long, since very many jobs are blocked, is done more rarely: it rests so many times as long."""


class Sweeper:
    """Sweeps while this worker leads.

    Parameters
    ----------
    placed: is told which jobs may run now.
    finished: is told the ids of jobs that never will.
    """

    def __init__(
        self,
        is_leader: Callable[[], bool],
        placed: Callable[[Sequence[Placed]], object],
        finished: Callable[[Sequence[str]], object],
    ) -> None:
        self._is_leader = is_leader
        self._placed = placed
        self._finished = finished

    def tick(self, link: Link) -> float:
        """Sweep once; return the seconds until the next time."""
        if not self._is_leader():
            return SWEEP_EVERY
        if not link.read(anything_blocked):
            return SWEEP_EVERY
        started = monotonic()
        swept = link.run(sweep)
        self._placed(swept.placed)
        self._finished(swept.ended)
        if swept.rest:
            return 0.0  # a chain of which only a part was ended
        return max(SWEEP_EVERY, SWEEP_SHARE * (monotonic() - started))

"""Gives back what waits behind long tasks: jobs that could run elsewhere, or later here, but not now.

The consumer claims by how long tasks took lately, so a task that suddenly takes long finds others behind it. This is
a chore, since the consumer itself may be the one that is busy (solo pool).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.domain.settlement import GiveBack
from sqlqueue.store.ops.settle import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.domain.clock import Clock
    from sqlqueue.store.link import Link
    from sqlqueue.store.rows import Placed
    from sqlqueue.worker.held import Held
    from sqlqueue.worker.pools.pool import Pool

LONG = 1.0
"""Seconds after which a running task is long."""

LOOK = 0.5
"""Seconds between two looks."""


def is_stuck(pool: Pool, now: float) -> bool:
    """Tell whether every slot has been busy with one long task."""
    since = pool.stuck_since()
    return since is not None and now - since > LONG


class Relief:
    """Looks at the pool and returns its line when no slot will be free soon.

    Parameters
    ----------
    incarnation: the worker's, asked anew each time.
    placed: is told which jobs wait again.
    """

    def __init__(
        self,
        pool: Pool,
        held: Held,
        clock: Clock,
        incarnation: Callable[[], str],
        placed: Callable[[list[Placed]], object],
    ) -> None:
        self._pool = pool
        self._held = held
        self._clock = clock
        self._incarnation = incarnation
        self._placed = placed

    def tick(self, link: Link) -> float:
        """Give back what waits behind long tasks."""
        if self._pool.load > self._pool.running and is_stuck(self._pool, self._clock.monotonic()):
            tokens = self._held.tokens
            back = {job.id: tokens[job.id] for job in self._pool.take_back() if job.id in tokens}
            # No longer ours to run, whatever becomes of the settlement: what it misses is an orphan, released later.
            self._held.drop(back)
            if back:
                gifts = [GiveBack(id_, started=False) for id_ in back]
                self._placed(link.run(settle, self._incarnation(), gifts, back).waiting)
        return LOOK

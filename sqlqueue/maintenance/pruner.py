"""Ends what has waited or lain long enough: results past their keep-until, jobs that nobody is going to run.

The leader's chores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.ops.broadcast import end_abandoned
from sqlqueue.store.ops.events import prune_events
from sqlqueue.store.ops.prune import prune
from sqlqueue.store.ops.told import forget_told
from sqlqueue.store.ops.unknown import fail_unknown
from sqlqueue.store.ops.workers import forget_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.store.link import Link

FOREVER = 1000 * 366 * 86400.0
"""Seconds: more than any result is old, and no more than databases can count back."""

PRUNE_EVERY = 600.0
UNKNOWN_EVERY = 60.0
TOLD_EVERY = 60.0
COPIES_EVERY = 60.0
"""Seconds between two rounds."""


COME_BACK = 600.0
"""Seconds that a worker which is gone may take to come back, by its name, for what was left to it alone."""

REMEMBERED = 7 * 86400.0
"""Seconds that a worker which is gone is remembered at least."""


class Pruner:
    """Prunes while this worker leads.

    Parameters
    ----------
    keep: seconds that results are kept; None: for ever.
    unknown_after: seconds after which a job fails whose task no worker has registered.
    finished: is told the ids of jobs that ended so.
    """

    def __init__(
        self,
        keep: float | None,
        unknown_after: float,
        is_leader: Callable[[], bool],
        finished: Callable[[Sequence[str]], object],
    ) -> None:
        self._keep = FOREVER if keep is None else keep
        self._unknown_after = unknown_after
        self._is_leader = is_leader
        self._finished = finished

    def prune(self, link: Link) -> float:
        """Forget old results, and make room for those to come; and workers of which nothing is left."""
        if self._is_leader():
            link.run(prune, self._keep)
            link.run(forget_workers, max(self._keep, self._unknown_after, REMEMBERED))
        return PRUNE_EVERY

    def forget_told(self, link: Link) -> float:
        """Forget what tasks told of themselves that are over, and events that nobody is going to read."""
        if self._is_leader():
            link.run(forget_told)
            link.run(prune_events)
        return TOLD_EVERY

    def fail_unknown(self, link: Link) -> float:
        """Fail jobs whose task nobody knows."""
        if self._is_leader():
            self._finished(link.run(fail_unknown, self._unknown_after))
        return min(UNKNOWN_EVERY, max(self._unknown_after / 2, 0.1))

    def end_abandoned(self, link: Link) -> float:
        """End what was left to workers that do not come back."""
        if self._is_leader():
            self._finished(link.run(end_abandoned, COME_BACK))
        return COPIES_EVERY

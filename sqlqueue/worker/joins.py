"""Remembers, between two cycles, which blocked jobs this worker must look at again, and tells what became of others.

A job for which others wait says so in its options, which the claim returns: a batch without any costs nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.domain.settlement import Become
from sqlqueue.domain.workflow import Ended, feeds
from sqlqueue.store.ops.cycle import Joins

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.settlement import Settlement
    from sqlqueue.store.ops.release import Released
    from sqlqueue.worker.announcer import Announcer


class JoinKeeper:
    """What one worker owes to jobs that wait for others."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._owed: set[str] = set()
        self._rest: list[Ended] = []

    @property
    def waiting(self) -> bool:
        """Whether something was left undone: locked by somebody, or too much for one transaction."""
        return bool(self._owed or self._rest)

    def ask(self, jobs: Iterable[Job], settlements: Sequence[Settlement]) -> Joins | None:
        """Return what the cycle that settles ``jobs`` must release besides, None when nothing."""
        feeding = [job.id for job in jobs if job.options is not None and feeds(job.options)]
        if not feeding and not self.waiting and not any(type(one) is Become for one in settlements):
            return None
        return Joins(frozenset(feeding), frozenset(self._owed), tuple(self._rest))

    def confirm(self, asked: Joins | None, released: Released) -> None:
        """Take note of what a committed cycle has released, and tell those who wait for it."""
        if asked is None:
            return
        self._owed, self._rest = set(released.owed), list(released.rest)
        self._announcer.placed(released.placed)
        self._announcer.finished(released.ended)

"""Tells who waits for jobs: this worker itself at once, everybody else through the waker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.notify.waker import Waker
    from sqlqueue.store.rows import Placed


class Announcer:
    """What consumer and chores say of jobs that they have moved.

    Parameters
    ----------
    ready: wakes this worker's consumer.
    scheduled: lets this worker look again when the next job is due.
    """

    def __init__(self, waker: Waker, ready: Callable[[], object], scheduled: Callable[[], object]) -> None:
        self._waker = waker
        self._ready = ready
        self._scheduled = scheduled

    def placed(self, jobs: Sequence[Placed]) -> None:
        """Tell of jobs that are ready, or scheduled, since the last commit."""
        if jobs:
            self._waker.placed(jobs)
            self._ready()
            if any(job.seq is None for job in jobs):
                self._scheduled()

    def finished(self, ids: Sequence[str]) -> None:
        """Tell of jobs that are over."""
        self._waker.finished(ids)

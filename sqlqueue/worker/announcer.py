"""Tells who waits for jobs: this worker itself at once, everybody else through the waker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.domain.settlement import Finish, Written
from sqlqueue.notify.channels import results_channel, write_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.domain.settlement import Settlement
    from sqlqueue.notify.waker import Waker
    from sqlqueue.store.ops.wake import Message
    from sqlqueue.store.rows import Placed


class Announcer:
    """What consumer and chores say of jobs that they have moved.

    Parameters
    ----------
    schema: of the tables, part of every channel's name.
    ready: wakes this worker's consumer.
    scheduled: lets this worker look again when the next job is due.
    """

    def __init__(
        self, waker: Waker, schema: str | None, ready: Callable[[], object], scheduled: Callable[[], object]
    ) -> None:
        self._waker = waker
        self._channel = results_channel(schema)
        self._ready = ready
        self._scheduled = scheduled

    def placed(self, jobs: Sequence[Placed]) -> None:
        """Tell of jobs that are ready, or scheduled, since the last commit."""
        if jobs:
            self._waker.placed(jobs)
            self._ready()
            if any(job.seq is None for job in jobs):
                self._scheduled()

    def over(self, settlements: Sequence[Settlement]) -> list[Message]:
        """Return what to send behind the commit of ``settlements``: which jobs are over."""
        ids = [one.id for one in settlements if type(one) is Finish or type(one) is Written]
        return [(self._channel, write_ids(ids))] if ids else []

    def finished(self, ids: Sequence[str]) -> None:
        """Tell of jobs that are over."""
        self._waker.finished(ids)

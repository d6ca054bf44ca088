"""Everything that can happen to a job or a worker, each a small value. ``docs/events.md`` describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import Job, NewJob


class JobSent(NamedTuple):
    """A job was inserted, as it stands in ``job``; its transaction may still be open."""

    id: str
    task: str
    queue: str
    job: NewJob


class JobsClaimed(NamedTuple):
    """A worker has claimed jobs and is going to run them: tens of thousands a second, so that they are told at once."""

    worker: str
    jobs: Sequence[Job]


class JobSucceeded(NamedTuple):
    """A task returned. ``runtime`` in seconds, ``result`` as JSON text."""

    id: str
    task: str
    runtime: float
    result: str | None


class JobFailed(NamedTuple):
    """A task raised and its job is over; no traceback when the task had said that it may raise this."""

    id: str
    task: str
    error: str
    traceback: str | None
    runtime: float


class JobRetried(NamedTuple):
    """A task raised and its job tries again in ``delay`` seconds."""

    id: str
    task: str
    delay: float
    error: str
    traceback: str | None
    runtime: float


class JobRevoked(NamedTuple):
    """A job ended without running."""

    id: str
    task: str
    reason: str


class JobReturned(NamedTuple):
    """A job goes back because this worker cannot run it."""

    id: str
    task: str
    reason: str
    delay: float


class JobCrashed(NamedTuple):
    """The process that ran a job died under it; ``over``: once too often, so that it failed."""

    id: str
    task: str
    reason: str
    over: bool


class SettlementRefused(NamedTuple):
    """A job was no longer this worker's when it settled it: the outcome was dropped."""

    id: str


class JobsRescued(NamedTuple):
    """A dead worker's jobs were taken back: how many wait again, how many ended as failed."""

    worker: str
    reason: str
    back: int
    lost: int


class WorkerReady(NamedTuple):
    """A worker has registered and begins to claim."""

    name: str


class WorkerStopping(NamedTuple):
    """A worker claims no more and finishes what runs."""

    name: str
    running: int
    how: str


class WorkerStopped(NamedTuple):
    """A worker has signed off."""

    name: str


class WorkerTwin(NamedTuple):
    """Another live worker has the same name."""

    name: str
    pid: int


class QueuePaused(NamedTuple):
    """This worker no longer claims from a queue that was paused."""

    queue: str


class QueueResumed(NamedTuple):
    """This worker claims again from a queue that was paused."""

    queue: str


Event = (
    JobSent
    | JobsClaimed
    | JobSucceeded
    | JobFailed
    | JobRetried
    | JobRevoked
    | JobReturned
    | JobCrashed
    | SettlementRefused
    | JobsRescued
    | WorkerReady
    | WorkerStopping
    | WorkerStopped
    | WorkerTwin
    | QueuePaused
    | QueueResumed
)

"""`decide`: the one place where a job's next state is chosen. Pure.

A settlement is one of five moves: `Finish` (the row leaves for the results), `Reschedule` (another try, later) and
`GiveBack` (to the front lane) are statements in ``store.ops.settle``, `Become` (it waits for others first) is a verb,
`Written` was written by the task itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.outcome import (
    Committed,
    Crashed,
    Failed,
    Failure,
    Outcome,
    Replaced,
    Retried,
    Returned,
    Revoked,
    Succeeded,
)
from sqlqueue.domain.states import State

if TYPE_CHECKING:
    from sqlqueue.domain.job import Job


class Finish(NamedTuple):
    """The job is over; ``state`` is succeeded, failed or revoked."""

    id: str
    state: State
    result: str | None = None
    runtime: float | None = None
    failure: Failure | None = None
    crashes: int = 0


class Reschedule(NamedTuple):
    """The job tries again in ``delay`` seconds; ``retries`` is the new count, ``error`` its last error.

    ``exception`` and ``traceback`` are those of the attempt, as in `Failure`, and kept until the next one fails.
    ``change`` is JSON text: arguments, options and the like that the job is to have instead.
    """

    id: str
    delay: float
    retries: int
    error: str | None
    runtime: float | None = None
    change: str | None = None
    exception: str | None = None
    traceback: str | None = None


class GiveBack(NamedTuple):
    """The job goes back unfinished.

    ``crashes`` is the new count, None for the same as before. A job that was not started (``started`` false) gets
    its attempt back.
    With ``delay`` it is scheduled, else it enters the front lane. ``limits`` are those that it was found to be under,
    None for the same as before.
    """

    id: str
    started: bool
    crashes: int | None = None
    delay: float = 0.0
    error: str | None = None
    limits: str | None = None


class Become(NamedTuple):
    """The job is from now on the last one of a workflow, whose rows and edges are JSON text; it keeps its id."""

    id: str
    workflow: str


class Written(NamedTuple):
    """The job has been settled by its own task: nothing is left but to let those go that wait for it."""

    id: str


Settlement = Finish | Reschedule | GiveBack | Become | Written


def decide(job: Job, outcome: Outcome) -> Settlement:
    """Say what an outcome means for its job.

    Parameters
    ----------
    job: the row as claimed.
    outcome: what the run produced.
    """
    match outcome:
        case Succeeded(result, runtime):
            return Finish(job.id, State.SUCCEEDED, result, runtime, None, job.crashes)
        case Committed():
            return Written(job.id)
        case Failed(failure, runtime, _):
            return Finish(job.id, State.FAILED, None, runtime, failure, job.crashes)
        case Retried(delay, failure, runtime, change):
            why = (failure.error, runtime, change, failure.exception, failure.traceback)
            return Reschedule(job.id, max(delay, 0.0), job.retries + 1, *why)
        case Revoked(reason):
            return Finish(job.id, State.REVOKED, None, None, Failure(reason), job.crashes)
        case Returned(_, reason, True) if not job.acks_late:
            return Finish(job.id, State.FAILED, None, None, lost(reason or "it was cut off", job.crashes), job.crashes)
        case Returned(delay, reason, started, _, limits):
            return GiveBack(job.id, started=started, delay=delay, error=reason, limits=limits)
        case Crashed(reason):
            return after_crash(job, reason)
        case Replaced(workflow, _):
            return Become(job.id, workflow)


def after_crash(job: Job, reason: str) -> Settlement:
    """Charge a crash to a job that is known to have started.

    At-most-once jobs and jobs out of crashes end as failed; others go to the front lane, where they run alone.
    """
    crashes = job.crashes + 1
    if not job.acks_late or crashes >= job.max_crashes:
        return Finish(job.id, State.FAILED, None, None, lost(reason, crashes), crashes)
    return GiveBack(job.id, started=True, crashes=crashes, error=f"WorkerLost: {reason}")


def lost(reason: str, crashes: int) -> Failure:
    """Describe the end of a job whose worker died once too often."""
    message = f"{reason} ({crashes} crash{'es' if crashes != 1 else ''})"
    exception = {"module": "sqlqueue.errors", "name": "WorkerLost", "args": [message]}
    return Failure(f"WorkerLost: {message}", json.dumps(exception))

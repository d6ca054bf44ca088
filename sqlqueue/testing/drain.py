"""Run what is enqueued, here and now, in the process of the test: real rows, real claims, no worker."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlqueue.client.routes import queue_names
from sqlqueue.domain.quota import read_limits
from sqlqueue.domain.settlement import decide
from sqlqueue.store.ops.claim import LaneRead, claim, lanes
from sqlqueue.store.ops.cycle import Joins, cycle
from sqlqueue.store.ops.grant import LimitedLane, ensure_limits, grant, limited_lanes
from sqlqueue.store.ops.promote import promote
from sqlqueue.worker.execute import Executor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.app import SQLQueue
    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1


def drain(app: SQLQueue, queues: Sequence[str] | None = None, at_most: int = 10_000) -> list[Outcome]:
    """Run every job that is due, and those that come of them, until none is left; return what came of each.

    Jobs that wait for others, in chains and chords, are let go as a worker would.

    Parameters
    ----------
    queues: default: those that a worker of the app serves.
    at_most: runs after which a queue that fills itself again is left.

    Jobs that are due later stay where they are.
    """
    names, me = list(queues or queue_names(app.conf)), str(uuid.uuid4())
    executor = Executor(app.tasks, "drain")
    outcomes: list[Outcome] = []
    while len(outcomes) < at_most:
        app.store.run(promote)
        reads = [LaneRead(queue, priority, LOWEST, HIGHEST, 1) for queue, priority in app.store.read(lanes, names)]
        jobs = (app.store.run(claim, me, reads, 1) if reads else []) or _limited(app, me, names)
        if not jobs:
            break
        outcome = executor.execute(jobs[0]._replace(worker=me))
        _settle(app, me, jobs[0], outcome)
        outcomes.append(outcome)
    executor.close_thread()
    return outcomes


def _settle(app: SQLQueue, me: str, job: Job, outcome: Outcome) -> None:
    """Settle a job and let those go that wait for it, however many transactions that takes."""
    settlements, joins = [decide(job, outcome)], Joins({job.id})
    while settlements or joins.owed or joins.rest:
        released = app.store.run(cycle, me, settlements, {job.id: job.token}, None, (), joins).released
        settlements, joins = [], Joins((), released.owed, released.rest)


def _limited(app: SQLQueue, me: str, queues: Sequence[str]) -> list[Job]:
    """Claim a job that is under limits of the whole fleet, if one may start now."""
    found = app.store.read(limited_lanes, [(queue, "") for queue in queues], 1000)
    lanes = [LimitedLane(queue, limits, 0, read_limits(limits)) for queue, limits in found]
    if not lanes:
        return []
    app.store.run(ensure_limits, sorted({name for lane in lanes for name, _ in lane.quotas}))
    return [job for job, _ in app.store.run(grant, me, lanes, 1).jobs]

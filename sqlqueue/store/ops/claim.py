"""Take up to so many ready jobs for one worker, lane by lane."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.job import Job
from sqlqueue.store.operation import Batch, Step, ask_last

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Row


class LaneRead(NamedTuple):
    """One look into one lane: jobs with ``low < seq < high``, at most ``at_most`` of them."""

    queue: str
    priority: int
    low: int
    high: int
    at_most: int


def claim(
    dialect: Dialect, worker: str, lanes: Sequence[LaneRead], at_most: int, shunned: Sequence[str] = ()
) -> Op[list[Job]]:
    """Claim up to ``at_most`` jobs for ``worker``, an incarnation, from ``lanes`` in their order.

    Parameters
    ----------
    shunned: tasks whose jobs are left to others.

    Returns the jobs sorted by lane, then by ``seq``: neither database promises an order of RETURNING.
    """
    rows: list[Row] = []
    if dialect.lanes_together:
        (rows,) = yield Batch((claim_step(dialect, worker, lanes, at_most, shunned),), last=True)
    else:
        for queue, priority, low, high, most in lanes:
            params = {"queue": queue, "priority": priority, "low": low, "high": high, "worker": worker}
            limits = {"at_most": min(most, at_most - len(rows)), "shunned": json.dumps(list(shunned))}
            step = Step(dialect.sql.claim, params | limits)
            (found,) = yield Batch((step,))
            rows += found
            if len(rows) >= at_most:
                break
    return as_jobs(rows, lanes)


def claim_step(
    dialect: Dialect, worker: str, lanes: Sequence[LaneRead], at_most: int, shunned: Sequence[str] = ()
) -> Step:
    """Return the one statement that reads all ``lanes``."""
    queues, priorities, lows, highs, limits = (list(column) for column in zip(*lanes, strict=True))
    params = {"queues": queues, "priorities": priorities, "lows": lows, "highs": highs, "limits": limits}
    return Step(dialect.sql.claim, params | {"worker": worker, "at_most": at_most, "shunned": list(shunned)})


def as_jobs(rows: Sequence[Row], lanes: Sequence[LaneRead]) -> list[Job]:
    """Return claimed rows as jobs in the order of their lanes."""
    jobs = list(map(_as_job, rows))
    if len(lanes) == 1:
        jobs.sort(key=_by_seq)
        return jobs
    rank = {(lane.queue, lane.priority): place for place, lane in reversed(list(enumerate(lanes)))}
    jobs.sort(key=lambda job: (job.seq > 0, rank[job.queue, job.priority], job.seq))
    return jobs


_as_job: Callable[[Row], Job] = partial(tuple.__new__, Job)
"""`Job._make` without its check, which took a tenth of a worker's time: the statement has as many columns."""


def _by_seq(job: Job) -> int:
    return job.seq


def lanes(dialect: Dialect, queues: Sequence[str]) -> Op[list[tuple[str, int]]]:
    """List the lanes, queue and priority, in which jobs of ``queues`` stand; highest priority first."""
    rows = yield from ask_last(dialect.sql.lanes, queues=json.dumps(list(queues)))
    return [(str(queue), int(priority)) for queue, priority in rows]

"""Look at jobs, finished or not: many in short, one in full."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.domain.states import FINISHED, UNFINISHED, State
from sqlqueue.store.operation import ask, ask_last
from sqlqueue.store.rows import moment

if TYPE_CHECKING:
    from datetime import datetime

    from sqlqueue.domain.which import Which
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Row

LAST = "\U0010ffff"
"""Comes after every id."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in short. ``args`` and ``kwargs`` are JSON text; moments are UTC, ``runtime`` is in seconds.

    ``told`` is the state that the task shows while it runs.
    """

    id: str
    state: State
    queue: str
    task: str
    priority: int
    args: str
    kwargs: str
    created_at: datetime | None
    run_at: datetime | None
    claimed_at: datetime | None
    finished_at: datetime | None
    runtime: float | None
    attempt: int
    retries: int
    crashes: int
    error: str | None
    worker: str | None
    told: str | None


class JobDetails(NamedTuple):
    """A job in full. ``headers``, ``options``, ``result``, ``exception`` and ``meta`` are JSON text.

    ``meta`` belongs to the state that the task shows while it runs.

    ``history`` has an object for each earlier attempt that failed: attempt, worker (an incarnation), claimed_at,
    ended_at, runtime, error; the latest of them exception and traceback too, when it was a retry.
    """

    job: JobRow
    headers: str | None
    options: str | None
    parent_id: str | None
    root_id: str | None
    group_id: str | None
    acks_late: bool
    max_crashes: int
    history: list[dict[str, Any]]
    expires_at: datetime | None
    result: str | None
    exception: str | None
    traceback: str | None
    meta: str | None
    revoked: bool


def list_jobs(dialect: Dialect, which: Which, at_most: int = 50, before: str = LAST) -> Op[list[JobRow]]:
    """List jobs by id, the newest first: generated ids are in the order of their making.

    Parameters
    ----------
    before: the last id of the page before this one.
    """
    rows = yield from ask_last(
        dialect.sql.list_jobs,
        **which.params(dialect.moment(which.since)),
        never_ran=None if which.never_ran is None else int(which.never_ran),
        unfinished=int(which.never_ran is not True and (which.state is None or which.state in UNFINISHED)),
        finished=int(which.state is None or which.state in FINISHED),
        before=before,
        at_most=at_most,
    )
    return [_job(row) for row in rows]


def count_never_ran(dialect: Dialect, which: Which, least: str = "") -> Op[int]:
    """Count the jobs that are over though they never ran, since what they waited for did not succeed.

    Parameters
    ----------
    least: only those of this id and after.
    """
    params = which.params(dialect.moment(which.since))
    ((found,),) = yield from ask_last(dialect.sql.count_never_ran, **params, least=least)
    return int(found)


def show_job(dialect: Dialect, job_id: str) -> Op[JobDetails | None]:
    """Return everything about a job, None when there is none of that id.

    The results are read once more at the end: a job may be settled between two statements.
    """
    for statement in (dialect.sql.show_result, dialect.sql.show_job, dialect.sql.show_result):
        rows = yield from ask(statement, id=job_id)
        if rows:
            return _details(rows[0])
    return None


SHORT = 17
"""Columns of a job in short, but for what it tells."""


def _job(row: Row) -> JobRow:
    id_, state, queue, task, priority, args, kwargs, created, run, claimed, finished, *rest = row
    moments = (moment(created), moment(run), moment(claimed), moment(finished))
    return JobRow(id_, State(state), queue, task, priority, args, kwargs, *moments, *rest)


def _details(row: Row) -> JobDetails:
    headers, options, parent, root, group, acks_late, crashes, history, expires, *rest, revoked = row[SHORT:]
    result, exception, traceback, told, meta = rest
    past = json.loads(history) if history else []
    return JobDetails(
        _job((*row[:SHORT], told)), headers, options, parent, root, group, bool(acks_late), crashes, past,
        moment(expires), result, exception, traceback, meta, bool(revoked),
    )  # fmt: skip

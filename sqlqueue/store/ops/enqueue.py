"""Insert jobs, in whatever transaction the caller is in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.domain.sizes import portions
from sqlqueue.store.operation import Batch, Step, ask, ask_last
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.workflow import Edge
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Rows


FAMILY = ("parent_id", "root_id", "group_id")

SHARED = ("queue", "priority", "task", "acks_late", "max_crashes")
"""What calls that are alike have in common, besides their family."""

PLAIN = ("id", "args", "kwargs", *SHARED)
"""What a plain job says."""

MOST_AT_ONCE = 5000
"""Rows in one statement, so that its text stays within a few megabytes."""


def enqueue(
    dialect: Dialect, jobs: Sequence[NewJob], tell: str | None = None, edges: Sequence[Edge] = ()
) -> Op[list[Placed]]:
    """Insert ``jobs`` and return those that were not there before and wait for nothing but a worker or their time.

    A job whose id is in the table already is left alone, so a send may be repeated. An id that the caller chose is
    also looked up in the results, in a second statement: it may have been settled while the insert waited for it.

    Parameters
    ----------
    tell: the channel on which to say, behind our own commit, where the one job stands that is due now.
    edges: which of the jobs wait for which.
    """
    given = {job.id for job in jobs if job.given_id}
    rows: Rows = []
    left = len(jobs)
    for some in portions_of(jobs) if left > 1 else [jobs]:
        left -= len(some)
        rows += yield from insert(dialect, some, tell, final=not given and not edges and not left)
    new = given.intersection(row[0] for row in rows)
    if new:
        forgotten = yield from (ask if edges else ask_last)(dialect.sql.forget_duplicates, ids=json.dumps(sorted(new)))
        gone = {row[0] for row in forgotten}
        rows = [row for row in rows if row[0] not in gone]
    if not edges:
        return [Placed(*row) for row in rows]
    yield from _connect(dialect, edges, {row[0] for row in rows})
    blocked = {job.id for job in jobs if job.blocked}
    return [Placed(*row) for row in rows if row[0] not in blocked]


def portions_of(jobs: Sequence[NewJob]) -> list[Sequence[NewJob]]:
    """Cut jobs into parts, each for one statement."""
    sizes = [len(job.args) + len(job.kwargs) + (len(job.headers) if job.headers else 0) for job in jobs]
    return portions(jobs, sizes, MOST_AT_ONCE)


def _connect(dialect: Dialect, edges: Sequence[Edge], inserted: set[str]) -> Op[None]:
    """Insert the edges of the jobs that are new."""
    new = [edge for edge in edges if edge.dependent in inserted]
    for start in range(0, len(new), MOST_AT_ONCE):
        yield from ask(dialect.sql.connect, edges=json.dumps(new[start : start + MOST_AT_ONCE]))


def insert(dialect: Dialect, jobs: Sequence[NewJob], tell: str | None = None, *, final: bool = False) -> Op[Rows]:
    """Insert jobs by one statement and return where those stand that were not there: id, queue, priority, place."""
    step = _step(dialect, jobs)
    if dialect.sql.draw_seq is not None:
        ((base,),) = yield from ask(dialect.sql.draw_seq, n=len(jobs))
        step = Step(step.statement, {**step.params, "base": base})
    after = []
    if tell is not None and dialect.sql.tell is not None:
        after.append(Step(dialect.sql.tell, {"channel": tell, "priority": jobs[0].priority}))
    (rows,) = yield Batch((step,), last=final, after=after)
    return rows


def _step(dialect: Dialect, jobs: Sequence[NewJob]) -> Step:
    """Choose the statement: a quick one where the jobs say only what nearly all do, and differ only in arguments."""
    if len(jobs) == 1 and jobs[0].is_plain:
        return Step(dialect.sql.enqueue_one, {name: getattr(jobs[0], name) for name in PLAIN})
    if jobs and jobs[0].is_common and all(job.is_alike(jobs[0]) for job in jobs):
        params = dialect.call_params(jobs)
        if params is not None:
            shared = {name: getattr(jobs[0], name) for name in (*SHARED, *FAMILY)}
            return Step(dialect.sql.enqueue_alike, {**shared, **params})
    return Step(dialect.sql.enqueue, {"jobs": "[" + ",".join(as_json(dialect, job) for job in jobs) + "]"})


def as_json(dialect: Dialect, job: NewJob) -> str:
    """Return a job as a JSON object; its arguments are JSON text already and are not parsed again."""
    plain: dict[str, object] = {
        "id": job.id,
        "task": job.task,
        "queue": job.queue,
        "priority": job.priority,
        "acks_late": job.acks_late,
        "max_crashes": job.max_crashes,
    }
    if not job.due_now:
        plain |= {"delay": job.delay, "run_at": _text(dialect, job.run_at)}
    if job.expires is not None or job.expires_at is not None:
        plain |= {"expires": job.expires, "expires_at": _text(dialect, job.expires_at)}
    if job.unique is not None:
        plain["unique_key"] = job.unique.key
    if job.limits is not None:
        plain["limits"] = job.limits
    if job.blocked:
        plain["blocked"] = True
    plain |= {name: value for name in FAMILY if (value := getattr(job, name)) is not None}
    tail = f',"args":{job.args},"kwargs":{job.kwargs}'
    if job.headers is not None:
        tail += f',"headers":{job.headers}'
    if job.options is not None:
        tail += f',"options":{job.options}'
    return json.dumps(plain)[:-1] + tail + "}"


def _text(dialect: Dialect, when: object) -> str | None:
    return None if when is None else str(dialect.moment(when))  # type: ignore[arg-type]

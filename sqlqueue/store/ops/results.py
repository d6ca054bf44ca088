"""Read what became of jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.states import State
from sqlqueue.store.operation import ask, ask_last
from sqlqueue.store.rows import could_be, moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Row


class Record(NamedTuple):
    """A job as its caller sees it, finished or not. ``result``, ``exception`` and ``meta`` are JSON text.

    Of one that waits for its next try, ``error``, ``exception`` and ``traceback`` are those of the last.
    ``told`` is the state that the task shows while it runs, ``meta`` what belongs to it.
    """

    id: str
    state: State
    task: str
    queue: str
    retries: int
    result: str | None = None
    error: str | None = None
    exception: str | None = None
    traceback: str | None = None
    runtime: float | None = None
    finished_at: datetime | None = None
    told: str | None = None
    meta: str | None = None


def finished(dialect: Dialect, ids: Sequence[str]) -> Op[list[Record]]:
    """Return the records of those of ``ids`` that are finished."""
    rows = yield from ask_last(dialect.sql.results, ids=json.dumps([one for one in ids if could_be(one)]))
    return [_finished(row) for row in rows]


def look_up(dialect: Dialect, job_id: str) -> Op[Record | None]:
    """Return the record of a job, finished or not; None when the database knows none of that id.

    The results are read first and once more at the end: a job may be settled between two statements.
    """
    ids = json.dumps([job_id] if could_be(job_id) else [])
    for statement, read in (
        (dialect.sql.results, _finished),
        (dialect.sql.unfinished, _unfinished),
        (dialect.sql.results, _finished),
    ):
        rows = yield from ask(statement, ids=ids)
        if rows:
            return read(rows[0])
    return None


def _finished(row: Row) -> Record:
    id_, state, result, error, exception, traceback, retries, runtime, finished_at, task, queue = row
    when = moment(finished_at)
    return Record(id_, State(state), task, queue, retries, result, error, exception, traceback, runtime, when)


def _unfinished(row: Row) -> Record:
    id_, state, retries, error, task, queue, told, meta, last = row
    why = json.loads(last) if last else {}
    said = {name: why.get(name) for name in ("exception", "traceback")}
    return Record(id_, State(state), task, queue, retries, error=error, **said, told=told, meta=meta)

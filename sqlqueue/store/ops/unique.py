"""Insert a job whose key only one job may have at a time, or within some seconds; race-free, by a unique index.

A key is taken from the insert until its job is over, and longer if a window says so. The windows are rows of their own:
the key on the job's row goes with the row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.job import Conflict, Unique
from sqlqueue.errors import EnqueueError
from sqlqueue.store.operation import ask
from sqlqueue.store.ops.enqueue import as_json, enqueue, insert
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import NewJob
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Rows

TRIES = 10
"""Times that one tries: between two statements the job that had the key may be over, and another may take it."""


class Kept(NamedTuple):
    """Which job has the key now: ours (``new``) or the one that was there; and where it waits, if that has changed."""

    id: str
    placed: list[Placed]
    new: bool


def enqueue_keyed(dialect: Dialect, jobs: Sequence[NewJob]) -> Op[list[Kept]]:
    """Insert those of the jobs whose keys are free, and return which job stands for each of them, in their order.

    Keys are taken in their own order, so that two senders of the same ones never wait for each other. Those without a
    key are inserted together.

    Raises
    ------
    EnqueueError: a key changes hands all the time.
    """
    plain = [job for job in jobs if job.unique is None]
    at = {placed.id: placed for placed in ((yield from enqueue(dialect, plain)) if plain else ())}
    kept = {job.id: Kept(job.id, [at[job.id]] if job.id in at else [], new=True) for job in plain}
    for unique, job in sorted(((job.unique, job) for job in jobs if job.unique), key=lambda one: one[0].key):
        kept[job.id] = yield from enqueue_unique(dialect, job, unique)
    return [kept[job.id] for job in jobs]


def enqueue_unique(dialect: Dialect, job: NewJob, unique: Unique) -> Op[Kept]:
    """Insert ``job`` if its key is free; else do what ``unique`` says of conflicts.

    ``REPLACE`` gives the call to the job that has the key, if that still waits; one that runs goes on without the key.

    Raises
    ------
    EnqueueError: the key changes hands all the time.
    """
    job = job._replace(unique=unique)
    for _ in range(TRIES):
        rows = yield from insert(dialect, [job])
        if rows:
            return (yield from _inserted(dialect, job, unique, Placed(*rows[0])))
        if unique.conflict is Conflict.REPLACE:
            rows = yield from _replace(dialect, job)
            if rows:
                return Kept(rows[0][0], [Placed(*rows[0])], new=False)
            yield from ask(dialect.sql.free_key, key=unique.key)
        else:
            rows = yield from ask(dialect.sql.key_holder, key=unique.key)
            if rows:
                return Kept(rows[0][0], [], new=rows[0][0] == job.id)
    raise EnqueueError(f"unique_key {unique.key!r} was taken and freed {TRIES} times in a moment: try again")


def _inserted(dialect: Dialect, job: NewJob, unique: Unique, placed: Placed) -> Op[Kept]:
    """Take the job out again where it was sent, and done, before; or where the window of an earlier one is open."""
    if job.given_id:
        gone = yield from ask(dialect.sql.forget_duplicates, ids=json.dumps([job.id]))
        if gone:
            return Kept(job.id, [], new=True)
    if unique.seconds is None:
        return Kept(job.id, [placed], new=True)
    if (yield from ask(dialect.sql.open_window, key=unique.key, id=job.id, seconds=unique.seconds)):
        return Kept(job.id, [placed], new=True)
    yield from ask(dialect.sql.take_out, id=job.id)
    ((holder,),) = yield from ask(dialect.sql.window_holder, key=unique.key)
    return Kept(holder, [], new=False)


def _replace(dialect: Dialect, job: NewJob) -> Op[Rows]:
    """Let the job that has the key, if it waits, make this call; return where it stands now."""
    document = "[" + as_json(dialect, job) + "]"
    if dialect.sql.draw_seq is None:
        return (yield from ask(dialect.sql.replace_call, jobs=document))
    ((base,),) = yield from ask(dialect.sql.draw_seq, n=1)
    return (yield from ask(dialect.sql.replace_call, jobs=document, base=base))

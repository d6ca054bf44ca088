"""Insert a job whose key only one job may have at a time, or within some seconds; race-free, by a unique index.

A key is taken from the insert until its job is over, and longer if a window says so. The windows are rows of their own:
the key on the job's row goes with the row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.job import Conflict, Unique
from sqlqueue.errors import EnqueueError, NotUnique
from sqlqueue.store.operation import ask
from sqlqueue.store.ops.enqueue import as_json, enqueue, insert, portions_of
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    key are inserted together. So are those that must all have theirs (``RAISE``): since one that is taken ends it all,
    nobody waits for a key while having one that comes later.

    Raises
    ------
    EnqueueError: a key changes hands all the time.
    NotUnique: a key is taken, and the call says that this is an error; none of the jobs is inserted.
    """
    keyed = [(job.unique, job) for job in jobs if job.unique]
    keyed.sort(key=lambda one: one[0].key)
    kept: dict[str, Kept] = {}
    if keyed and all(unique.conflict is Conflict.RAISE for unique, _ in keyed):
        kept = yield from _all_or_none(dialect, keyed)
    else:
        for unique, job in keyed:
            kept[job.id] = yield from enqueue_unique(dialect, job, unique)
    plain = [job for job in jobs if job.unique is None]
    at = {placed.id: placed for placed in ((yield from enqueue(dialect, plain)) if plain else ())}
    kept |= {job.id: Kept(job.id, [at[job.id]] if job.id in at else [], new=True) for job in plain}
    return [kept[job.id] for job in jobs]


def _all_or_none(dialect: Dialect, keyed: Sequence[tuple[Unique, NewJob]]) -> Op[dict[str, Kept]]:
    """Insert jobs that must all have their keys; where one has not, take out again what was inserted, and raise.

    The transaction may be the caller's, which goes on: so nothing is left to its end.
    """
    uniques = {job.id: unique for unique, job in keyed}
    for _ in range(TRIES):
        kept: dict[str, Kept] = {}
        refused: tuple[str, str | None] | None = None
        inserted: list[str] = []
        for some in portions_of([job for _, job in keyed]):
            rows = yield from insert(dialect, some)
            inserted += [row[0] for row in rows]
            refused = yield from _take(dialect, some, uniques, {row[0]: Placed(*row) for row in rows}, kept)
            if refused is not None:
                break
        if refused is None:
            return kept
        if inserted:
            keys = json.dumps([unique.key for unique, _ in keyed])
            yield from ask(dialect.sql.shut_windows, keys=keys, ids=json.dumps(inserted))
            yield from ask(dialect.sql.take_out, ids=json.dumps(inserted))
        key, holder = refused
        if holder is not None:
            raise NotUnique(key, holder)
    raise EnqueueError(f"unique_key {key!r} was taken and freed {TRIES} times in a moment: try again")


def _take(
    dialect: Dialect, jobs: Sequence[NewJob], uniques: Mapping[str, Unique], at: Mapping[str, Placed],
    kept: dict[str, Kept],
) -> Op[tuple[str, str | None] | None]:  # fmt: skip
    """Note in ``kept`` that the jobs have their keys; stop at one that has not: return the key, and who has it.

    None has it when the job that had it is over meanwhile.
    """
    missing = [job for job in jobs if job.id not in at]
    for job in [*missing, *(job for job in jobs if job.id in at)]:
        unique = uniques[job.id]
        if job.id in at:
            found = yield from _inserted(dialect, job, unique, at[job.id])
        else:
            rows = yield from ask(dialect.sql.key_holder, key=unique.key)
            if not rows:
                return unique.key, None
            found = Kept(rows[0][0], [], new=rows[0][0] == job.id)
        if not found.new:
            return unique.key, found.id
        kept[job.id] = found
    return None


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
    yield from ask(dialect.sql.take_out, ids=json.dumps([job.id]))
    ((holder,),) = yield from ask(dialect.sql.window_holder, key=unique.key)
    return Kept(holder, [], new=False)


def _replace(dialect: Dialect, job: NewJob) -> Op[Rows]:
    """Let the job that has the key, if it waits, make this call; return where it stands now."""
    document = "[" + as_json(dialect, job) + "]"
    if dialect.sql.draw_seq is None:
        return (yield from ask(dialect.sql.replace_call, jobs=document))
    ((base,),) = yield from ask(dialect.sql.draw_seq, n=1)
    return (yield from ask(dialect.sql.replace_call, jobs=document, base=base))

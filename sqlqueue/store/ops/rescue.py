"""Take back the jobs of a dead worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.store.operation import ask
from sqlqueue.store.ops.release import NOBODY, Released, release_after
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class Rescued(NamedTuple):
    """Whether we were the first to sign the worker off, the jobs that wait again, the ids of those that are over.

    Over are those that may not run again: as failed, or as revoked if they were revoked while they ran. ``released`` is
    what became of the jobs that waited for these.
    """

    first: bool
    back: list[Placed]
    lost: list[str]
    released: Released = NOBODY


def rescue(dialect: Dialect, worker: str, reason: str) -> Op[Rescued]:
    """Sign a dead worker off and take its jobs back; its own later settlements change nothing.

    Parameters
    ----------
    worker: the incarnation that died.
    reason: one line for the results of jobs that may not run again: those to be run at most once, and those
        that ran alone when their workers died ``max_crashes`` times.
    """
    if dialect.sql.durably is not None:
        yield from ask(dialect.sql.durably)
    yield from _read_all(dialect)
    first = yield from ask(dialect.sql.sign_off, incarnation=worker)
    revoked = yield from ask(dialect.sql.rescue_revoked, worker=worker, reason=reason)
    if revoked and dialect.sql.drop_revoked is not None:
        doc = json.dumps([{"id": row[0]} for row in revoked])
        yield from ask(dialect.sql.drop_revoked, worker=worker, doc=doc)
    lost = yield from ask(dialect.sql.rescue_lost, worker=worker, reason=reason)
    if lost and dialect.sql.drop_finished is not None:
        yield from ask(dialect.sql.drop_finished, worker=worker, doc=json.dumps([list(row) for row in lost]))
    back = yield from ask(dialect.sql.rescue_back, worker=worker, reason=reason)
    over = [row[0] for row in (*revoked, *lost)]
    released = yield from release_after(dialect, over)
    return Rescued(bool(first), [Placed(*row) for row in back], over, released)


def strays(dialect: Dialect) -> Op[list[str]]:
    """List the incarnations that hold jobs without being in the table as living."""
    yield from _read_all(dialect)
    rows = yield from ask(dialect.sql.strays)
    return [row[0] for row in rows]


def held_ids(dialect: Dialect, worker: str, among: Sequence[str] | None = None) -> Op[dict[str, int]]:
    """Return the jobs that the database thinks ``worker`` holds, all or ``among`` some: id to claim token."""
    if among is None:
        yield from _read_all(dialect)
        rows = yield from ask(dialect.sql.held_ids, worker=worker)
    else:
        rows = yield from ask(dialect.sql.held_among, worker=worker, ids=json.dumps(list(among)))
    return {row[0]: row[1] for row in rows}


def held_within(dialect: Dialect, worker: str, lanes: Sequence[tuple[str, int, int]]) -> Op[dict[str, int]]:
    """Return the same of these lanes alone, without reading the jobs that wait behind what was claimed.

    Parameters
    ----------
    lanes: of each its queue, its priority, and the place up to which to read.
    """
    rows = yield from ask(dialect.sql.held_within, worker=worker, lanes=json.dumps(lanes))
    return {row[0]: row[1] for row in rows}


def _read_all(dialect: Dialect) -> Op[None]:
    """Let the next statements read the whole table: no index says which worker holds a job, nor may one."""
    if dialect.sql.read_all is not None:
        yield from ask(dialect.sql.read_all)

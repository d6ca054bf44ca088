"""Revoke jobs: those that wait are over at once, those that run may finish, but have no other try.

Revocation is a fact on the row. Settling, giving back and rescuing all honour it, whoever does them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.control import Destination
from sqlqueue.domain.states import State
from sqlqueue.store.operation import ask
from sqlqueue.store.ops.release import NOBODY, Released, release_after

if TYPE_CHECKING:
    from sqlqueue.domain.control import Message
    from sqlqueue.domain.which import Which
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Rows


class Running(NamedTuple):
    """A job that runs, the incarnation of the worker that holds it, and the token of its claim."""

    id: str
    worker: str
    token: int


class Revocation(NamedTuple):
    """The ids of jobs that waited and are over, and those that run and are marked.

    ``released`` is what became of the jobs that waited for those that are over.
    """

    ended: list[str]
    running: list[Running]
    released: Released = NOBODY

    @property
    def met(self) -> int:
        """How many jobs were met."""
        return len(self.ended) + len(self.running)


def revoke(
    dialect: Dialect,
    which: Which,
    at_most: int = 1000,
    reason: str = "revoked",
    patience: float | None = None,
    telling: Message | None = None,
) -> Op[Revocation]:
    """Revoke one batch of jobs; by a filter, those not revoked before, so that it can be repeated until none is left.

    Parameters
    ----------
    at_most: size of the batch, when jobs are not named by id.
    patience: seconds to wait for a row that somebody has locked, None for the connection's own setting.
    telling: a command for the workers that hold some of the jobs, posted in the same transaction with these as its
        argument ``jobs``, pairs of id and token; nothing is posted when none runs.

    Raises
    ------
    StoreUnavailable: a row stayed locked for longer.
    """
    if patience is not None and dialect.sql.patiently is not None:
        yield from ask(dialect.sql.patiently, patience=f"{int(patience * 1000)}ms")
    rows = yield from _mark(dialect, which, at_most)
    waiting = [row[0] for row in rows if row[1] != State.RUNNING]
    ended: Rows = []
    if waiting:
        ids = json.dumps(waiting)
        ended = yield from ask(dialect.sql.end_waiting, ids=ids, reason=reason)
        if dialect.sql.drop_waiting is not None:
            yield from ask(dialect.sql.drop_waiting, ids=ids)
    running = [Running(row[0], row[2], row[3]) for row in rows if row[1] == State.RUNNING]
    if running and telling is not None:
        yield from ask(dialect.sql.post, **_addressed(telling, running).params())
    over = [row[0] for row in ended]
    return Revocation(over, running, (yield from release_after(dialect, over)))


def _addressed(telling: Message, running: list[Running]) -> Message:
    jobs = [[one.id, one.token] for one in running]
    holders = Destination(workers=sorted({one.worker for one in running}))
    return telling._replace(arguments={**telling.arguments, "jobs": jobs}, destination=holders)


def _mark(dialect: Dialect, which: Which, at_most: int) -> Op[Rows]:
    if which.ids is not None:
        return (yield from ask(dialect.sql.mark_revoked, ids=json.dumps(list(which.ids))))
    if which.never_ran:
        return []  # they are over
    params = which.params(dialect.moment(which.since))
    return (yield from ask(dialect.sql.mark_revoked_where, **params, at_most=at_most))

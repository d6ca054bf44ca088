"""PostgreSQL: a revocation that commits between two statements of a settlement or a rescue is not overlooked."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from sqlqueue.domain.settlement import GiveBack, Reschedule
from sqlqueue.domain.which import Which
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.rescue import rescue, strays
from sqlqueue.store.ops.revoke import revoke
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from tests.support.jobs import ME, send, take_one
from tests.support.runners import ROW

PG = Postgres()

MOVES: dict[str, Callable[[Any], Any]] = {
    "reschedule": lambda job: Reschedule(job.id, 60.0, 1, "E: again"),
    "give_back": lambda job: GiveBack(job.id, started=False),
}


def revoked_before(runner, job, statement, op):
    """Drive ``op`` in a transaction of its own; just before ``statement`` the job is revoked, and that is committed."""
    with psycopg.connect(runner.url) as connection:
        execute = over_pyformat(connection, ROW)
        met = []

        def executed(batch):
            if any(step.statement is statement for step in batch.steps):
                met.append(runner.run(revoke, Which(ids=[job.id])).running)
            return execute(batch)

        value = drive(executed, op)
    assert len(met) == 1, "it was revoked inside the window"
    return value


@pytest.mark.parametrize("move", MOVES)
def test_before_it_would_wait_again(postgres_runner, move):
    job = take_one(postgres_runner)
    op = settle(PG, ME, [MOVES[move](job)], {job.id: job.token})
    assert revoked_before(postgres_runner, job, getattr(PG.sql, move), op).ids == set()
    assert postgres_runner.job(job.id)["state"] == "running", "the settlement is sent again"
    assert send(postgres_runner, job, MOVES[move](job)).ids == {job.id}
    assert postgres_runner.result(job.id)["state"] == "revoked"


def test_before_it_would_be_rescued(postgres_runner):
    job = take_one(postgres_runner)
    rescued = revoked_before(postgres_runner, job, PG.sql.rescue_back, rescue(PG, ME, "died"))
    assert (rescued.back, rescued.lost) == ([], [])
    assert postgres_runner.run(strays) == [ME], "it is rescued once more, as a stray"
    assert postgres_runner.run(rescue, ME, "died").lost == [job.id]
    assert postgres_runner.result(job.id)["state"] == "revoked"

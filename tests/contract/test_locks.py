"""PostgreSQL: no verb waits for somebody's row lock, and two claimers never share a job.

Every connection here has a short `lock_timeout`: a verb that waited would fail, not merely be late.
"""

from contextlib import contextmanager

import psycopg
import pytest

from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.promote import promote
from sqlqueue.store.ops.rescue import rescue, strays
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from tests.contract.conftest import POSTGRES_KINDS
from tests.support.jobs import ME, OTHER, finish, lane, new_job, put, put_many, send, take
from tests.support.runners import ROW, Runner

NO_WAITING = "&options=-c%20lock_timeout%3D300ms"


@pytest.fixture(params=POSTGRES_KINDS)
def runner(request, emptied_postgres):
    found = Runner(request.param, emptied_postgres + NO_WAITING)
    yield found
    found.close()


@contextmanager
def locked(runner, *ids):
    """Hold these rows as a user's open transaction does that has touched them."""
    with psycopg.connect(runner.url) as holder:
        holder.execute("SELECT id FROM sqlqueue_jobs WHERE id = ANY (%s) FOR UPDATE", [list(ids)])
        yield
        holder.rollback()


@contextmanager
def uncommitted_claim(runner, worker, at_most):
    """Claim in a transaction that stays open for the block and is then rolled back, as by a crash."""
    with psycopg.connect(runner.url) as connection:
        op = claim(Postgres(), worker, [lane()], at_most)
        yield drive(over_pyformat(connection, ROW), op)
        connection.rollback()


def test_a_job_in_an_uncommitted_claim_goes_to_nobody_else(runner):
    ids = put_many(runner, 10)
    with uncommitted_claim(runner, OTHER, 4) as theirs:
        mine = take(runner, at_most=3)
        assert [job.id for job in theirs] == ids[:4]
        assert [job.id for job in mine] == ids[4:7]
    assert [job.id for job in take(runner)] == ids[:4] + ids[7:]


def test_a_claim_that_was_never_committed_may_draw_the_same_token(runner):
    put_many(runner, 1)
    with uncommitted_claim(runner, OTHER, 1) as (stale,):
        pass
    (mine,) = take(runner)
    assert (mine.id, mine.token) == (stale.id, stale.token)
    assert send(runner, stale, Finish(stale.id, State.SUCCEEDED), worker=OTHER).ids == set()
    assert finish(runner, mine).ids == {mine.id}


SETTLEMENTS = {
    "finish": lambda job: Finish(job.id, State.SUCCEEDED, "5", 0.25),
    "reschedule": lambda job: Reschedule(job.id, 60.0, 1, "E: again"),
    "give back": lambda job: GiveBack(job.id, started=True, crashes=1),
}


@pytest.mark.parametrize("kind", SETTLEMENTS)
def test_settling_skips_a_locked_row_and_may_be_sent_again(runner, kind):
    put_many(runner, 3)
    jobs = take(runner)
    settlements = [SETTLEMENTS[kind](job) for job in jobs]
    tokens = {job.id: job.token for job in jobs}
    with locked(runner, jobs[1].id):
        assert runner.run(settle, ME, settlements, tokens).ids == {jobs[0].id, jobs[2].id}
        assert runner.job(jobs[1].id)["state"] == "running"
    assert runner.run(settle, ME, settlements, tokens).ids == {jobs[1].id}
    assert runner.run(settle, ME, settlements, tokens).ids == set()


def test_rescue_skips_a_locked_row_whose_worker_becomes_a_stray(runner):
    ids = put_many(runner, 3)
    once = new_job(acks_late=False)
    put(runner, once)
    take(runner)
    with locked(runner, ids[1], once.id):
        rescued = runner.run(rescue, ME, "died")
        assert ({placed.id for placed in rescued.back}, rescued.lost) == ({ids[0], ids[2]}, [])
        assert runner.run(strays) == [ME]
    rescued = runner.run(rescue, ME, "died")
    assert ([placed.id for placed in rescued.back], rescued.lost) == ([ids[1]], [once.id])
    assert runner.run(strays) == []


def test_claiming_skips_a_locked_row(runner):
    ids = put_many(runner, 3)
    with locked(runner, ids[0]):
        assert [job.id for job in take(runner, at_most=1)] == [ids[1]]
    assert [job.id for job in take(runner)] == [ids[0], ids[2]]


def test_promoting_skips_a_locked_row(runner):
    first, second = (placed.id for placed in put(runner, new_job(delay=60.0), new_job(delay=60.0)))
    runner.rows("UPDATE sqlqueue_jobs SET run_at = run_at - interval '2 minutes'")
    with locked(runner, first):
        assert [placed.id for placed in runner.run(promote)[0]] == [second]
    assert [placed.id for placed in runner.run(promote)[0]] == [first]


def test_two_rescuers_at_once_take_each_job_back_once(runner):
    ids = put_many(runner, 4)
    take(runner)
    with psycopg.connect(runner.url + NO_WAITING) as connection:
        first = drive(over_pyformat(connection, ROW), rescue(Postgres(), ME, "died"))
        second = runner.run(rescue, ME, "died")
        connection.commit()
    assert {placed.id for placed in first.back} == set(ids)
    assert second.back == []

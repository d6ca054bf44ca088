"""What is said behind a commit: it comes after it, it costs nobody a wait, and it may fail without harm."""

import psycopg
import pytest

from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.store.ops.cycle import cycle
from sqlqueue.store.ops.enqueue import enqueue
from tests.support.jobs import ME, new_job, put_many, take
from tests.support.runners import Runner

OWN = ["postgres-pool", "postgres-pinned"]


@pytest.fixture
def heard(emptied_postgres):
    """Yield a call that returns the next message on the channel ``here``."""
    with psycopg.connect(emptied_postgres, autocommit=True) as connection:
        connection.execute("LISTEN here")
        messages = connection.notifies(timeout=60)
        yield lambda: next(messages).payload
        messages.close()


@pytest.fixture(params=OWN)
def runner(request, emptied_postgres):
    found = Runner(request.param, emptied_postgres)
    yield found
    found.close()


def test_an_enqueue_says_where_the_job_stands(runner, heard):
    for priority in (0, -7):
        (placed,) = runner.run(enqueue, [new_job(priority=priority)], "here")
        assert heard() == f"{priority}:{placed.seq}"


def test_what_was_said_does_not_disturb_what_comes_next(runner, heard):
    """The answer to the last hint is still on its way when the connection is used again."""
    ids = [runner.run(enqueue, [new_job()], "here")[0].id for _ in range(50)]
    assert [job.id for job in take(runner)] == ids
    assert len([heard() for _ in ids]) == 50


def test_a_hint_that_fails_takes_nothing_back(runner, heard):
    impossible = "x" * 100  # longer than a channel's name may be
    (placed,) = runner.run(enqueue, [new_job()], impossible)
    assert runner.job(placed.id)["state"] == "ready"
    (job,) = take(runner)
    done = [Finish(job.id, State.SUCCEEDED, "1", 0.1)]
    did = runner.run(cycle, ME, done, {job.id: job.token}, None, [(impossible, "lost")])
    assert did.settled.ids == {job.id}
    assert runner.result(job.id)["state"] == "succeeded"
    runner.run(enqueue, [new_job()], "here")
    assert heard().startswith("0:")


def test_a_cycle_says_what_is_over_behind_its_commit(runner, heard):
    put_many(runner, 2)
    jobs = take(runner)
    done = [Finish(job.id, State.SUCCEEDED, "1", 0.1) for job in jobs]
    runner.run(cycle, ME, done, {job.id: job.token for job in jobs}, None, [("here", "those"), ("elsewhere", "x")])
    assert heard() == "those"
    assert runner.rows("SELECT count(*) AS n FROM sqlqueue_results") == [{"n": 2}]


def test_without_notifications_nothing_is_said(runner, heard):
    runner.dialect.notifies = False
    put_many(runner, 1)
    (job,) = take(runner)
    done = [Finish(job.id, State.SUCCEEDED, "1", 0.1)]
    runner.run(cycle, ME, done, {job.id: job.token}, None, [("here", "nothing")])
    runner.dialect.notifies = True
    runner.run(enqueue, [new_job()], "here")
    assert heard().startswith("0:")

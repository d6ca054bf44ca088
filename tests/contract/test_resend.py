"""A send of a chosen id that meets another one, or the job's own settlement, halfway."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.store.drivers import drive, over_named, over_pyformat
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.sqlite import SQLite
from tests.support.jobs import ME, new_job, put, take
from tests.support.processes import wait_until
from tests.support.runners import ROW, Runner

WAITS = "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def meanwhile(runner, halfway, verb, *args):
    """Run a verb that has to wait for the open transaction ``halfway``; then commit that; return what the verb did."""
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(runner.run, verb, *args)
        wait_until("the verb to wait for a lock", lambda: runner.rows(WAITS) or answer.done())
        assert not answer.done(), "it did not wait"
        halfway.commit()
        return answer.result(20)


@pytest.fixture
def halfway(shared_postgres):
    with psycopg.connect(shared_postgres) as connection:
        yield connection


def test_a_send_that_meets_its_twin_is_one_job(postgres_runner, halfway):
    runner, job = postgres_runner, new_job(given_id=True)
    assert len(drive(over_pyformat(halfway, ROW), enqueue(Postgres(), [job]))) == 1
    assert meanwhile(runner, halfway, enqueue, [job]) == []
    assert len(runner.rows("SELECT id FROM sqlqueue_jobs")) == 1


def test_a_send_that_meets_its_own_settlement_is_not_a_second_job(postgres_runner, halfway):
    runner, job = postgres_runner, new_job(given_id=True)
    put(runner, job)
    (held,) = take(runner)
    done = settle(Postgres(), ME, [Finish(job.id, State.SUCCEEDED)], {job.id: held.token})
    assert drive(over_pyformat(halfway, ROW), done).ids == {job.id}
    assert meanwhile(runner, halfway, enqueue, [job]) == []
    assert runner.rows("SELECT id FROM sqlqueue_jobs") == []
    assert runner.result(job.id)["state"] == "succeeded"


def test_without_the_second_statement_it_would_be_a_second_job(postgres_runner, halfway):
    """The twin that shows what the test above is worth: an id that is not looked up comes back to life."""
    runner, job = postgres_runner, new_job(given_id=False)
    put(runner, job)
    (held,) = take(runner)
    drive(
        over_pyformat(halfway, ROW),
        settle(Postgres(), ME, [Finish(job.id, State.SUCCEEDED)], {job.id: held.token}),
    )
    assert [placed.id for placed in meanwhile(runner, halfway, enqueue, [job])] == [job.id]


def test_our_own_connection_waits_for_another_writer(sqlite_url):

    runner, job = Runner("sqlite-link", sqlite_url), new_job(given_id=True)
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(runner), closing(sqlite3.connect(path, check_same_thread=False)) as writer:
        drive(over_named(writer), enqueue(SQLite(), [job]))
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(runner.run, enqueue, [job])
            assert not answer.done()
            writer.commit()
            assert answer.result(20) == []
        assert len(runner.rows("SELECT id FROM sqlqueue_jobs")) == 1

"""PostgreSQL: callers whose own transactions are stricter than the default."""

import psycopg
import pytest
from psycopg import IsolationLevel

from sqlqueue.client.bind import bind
from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.postgres import Postgres
from tests.support.jobs import new_job, put, take
from tests.support.runners import Runner

LEVELS = [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE]


@pytest.fixture
def runner(emptied_postgres):
    found = Runner("postgres-pool", emptied_postgres)
    yield found
    found.close()


@pytest.fixture(params=LEVELS, ids=lambda level: level.name.lower())
def caller(request, emptied_postgres):
    with psycopg.connect(emptied_postgres) as connection:
        connection.isolation_level = request.param
        yield connection


def send(caller, *jobs):
    return bind(caller, None).run(enqueue(Postgres(), list(jobs)))


def test_jobs_are_sent_from_a_strict_transaction_while_others_work(runner, caller):
    caller.execute("SELECT count(*) FROM sqlqueue_jobs")  # its snapshot is taken
    put(runner)
    assert len(take(runner)) == 1
    assert len(send(caller, new_job(), new_job())) == 2
    caller.commit()
    assert len(take(runner)) == 2


def test_a_chosen_id_that_somebody_else_has_sent_meanwhile_is_to_be_tried_again(runner, caller):
    caller.execute("SELECT count(*) FROM sqlqueue_jobs")
    job = new_job(given_id=True)
    put(runner, job)
    with pytest.raises(StoreUnavailable, match="could not serialize"):
        send(caller, job)
    caller.rollback()
    assert send(caller, job) == [], "it is there already"
    caller.commit()
    assert [one.id for one in take(runner)] == [job.id]

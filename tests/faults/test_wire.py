"""One job over the wire protocol itself: what the server refuses, breaks or does not answer leaves nothing behind."""

import signal
import threading
from contextlib import closing

import psycopg
import pytest

from sqlqueue.errors import ConnectionLost, SchemaError
from sqlqueue.store.operation import ask
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.postgres_link import PostgresPool
from sqlqueue.store.postgres_wire import listen_out
from sqlqueue.store.urls import engine_for, parse_url
from tests.support.jobs import new_job
from tests.support.processes import wait_until

WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'sqlqueue' AND wait_event_type = 'Lock'"


class Interrupted(Exception):
    pass


@pytest.fixture
def engine(postgres_url):
    return engine_for(parse_url(postgres_url))


@pytest.fixture
def link(engine):
    with closing(PostgresPool(engine, Postgres(), own=True)) as found:
        yield found


@pytest.fixture
def other(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def stored(other):
    return other.execute("SELECT id, args::text FROM sqlqueue_jobs ORDER BY seq").fetchall()


def test_a_job_of_megabytes_arrives_whole(link, other):
    jobs = [new_job(args='["' + letter * 3_000_000 + '"]') for letter in "aé"]
    for job in jobs:
        link.run(enqueue, [job], "here")
    assert stored(other) == [(job.id, job.args) for job in jobs]


def test_a_statement_that_cannot_be_prepared_is_prepared_anew_once_it_can(link, other):
    other.execute("ALTER TABLE sqlqueue_jobs RENAME TO sqlqueue_hidden")
    try:
        with pytest.raises(SchemaError):
            link.run(enqueue, [new_job()], "here")
    finally:
        other.execute("ALTER TABLE sqlqueue_hidden RENAME TO sqlqueue_jobs")
    ids = [link.run(enqueue, [new_job()], "here")[0].id for _ in range(3)]
    assert [id_ for id_, _ in stored(other)] == ids


def test_a_job_that_the_server_refuses_is_said_so_and_the_next_one_is_taken(link, other):
    before = new_job()
    after = new_job()
    link.run(enqueue, [before], "here")
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        link.run(enqueue, [new_job(priority=40_000)], "here")
    link.run(enqueue, [after], "here")
    assert [id_ for id_, _ in stored(other)] == [before.id, after.id]


def test_refusals_leave_no_prepared_statements_behind(link, engine):
    counts = []
    for _ in range(3):
        link.run(enqueue, [new_job()], "here")
        with pytest.raises(psycopg.errors.NumericValueOutOfRange):
            link.run(enqueue, [new_job(priority=40_000)], "here")
        with closing(engine.raw_connection()) as lent:
            listen_out(lent.driver_connection)
            (count,) = lent.driver_connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
            counts.append(count)
    assert len(set(counts)) == 1


def undone(dialect):
    yield from ask(dialect.sql.results, ids="[]")
    raise Interrupted


def test_after_a_transaction_that_was_undone_the_next_job_is_taken(link, other):
    ids = [link.run(enqueue, [new_job()], "here")[0].id]
    with pytest.raises(Interrupted):
        link.run(undone)
    ids += [link.run(enqueue, [new_job()], "here")[0].id for _ in range(2)]
    assert [id_ for id_, _ in stored(other)] == ids


def test_what_is_prepared_no_longer_is_prepared_anew_and_its_hints_too(link, other, engine):
    ids = [link.run(enqueue, [new_job()], "here")[0].id]
    other.execute("LISTEN here")
    for _ in range(2):
        with closing(engine.raw_connection()) as lent:
            listen_out(lent.driver_connection)
            lent.driver_connection.execute("DEALLOCATE ALL")
        ids.append(link.run(enqueue, [new_job()], "here")[0].id)
        assert next(other.notifies(timeout=10, stop_after=1)).payload
    assert [id_ for id_, _ in stored(other)] == ids


def test_a_connection_that_ends_in_the_middle_is_lost_and_says_why(link, other, postgres_url):
    link.run(enqueue, [new_job()], "here")
    ends: list[BaseException] = []

    def send():
        try:
            link.run(enqueue, [new_job()], "here")
        except ConnectionLost as error:
            ends.append(error)

    with psycopg.connect(postgres_url) as holder:
        holder.execute("LOCK TABLE sqlqueue_jobs IN EXCLUSIVE MODE")
        sending = threading.Thread(target=send)
        sending.start()
        wait_until("the insert to wait", lambda: other.execute(WAITING).fetchall())
        ((pid,),) = other.execute(WAITING).fetchall()
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        sending.join(30)
    assert "administrator" in str(ends[0])
    assert len(stored(other)) == 1
    link.run(enqueue, [new_job()], "here")
    assert len(stored(other)) == 2


def test_whoever_is_interrupted_in_the_middle_leaves_no_answer_to_the_next(link, other, postgres_url):
    def interrupt(*_):
        raise Interrupted

    link.run(enqueue, [new_job()], "here")
    before = signal.signal(signal.SIGUSR2, interrupt)
    main = threading.get_ident()
    try:
        with psycopg.connect(postgres_url) as holder:
            holder.execute("LOCK TABLE sqlqueue_jobs IN EXCLUSIVE MODE")

            def interrupt_when_it_waits():
                wait_until("the insert to wait", lambda: other.execute(WAITING).fetchall())
                signal.pthread_kill(main, signal.SIGUSR2)

            waiting = threading.Thread(target=interrupt_when_it_waits)
            waiting.start()
            with pytest.raises(Interrupted):
                link.run(enqueue, [new_job(queue="interrupted")], "here")
            waiting.join(30)
    finally:
        signal.signal(signal.SIGUSR2, before)
    (placed,) = link.run(enqueue, [new_job(queue="next")], "here")
    assert placed.queue == "next"


def test_text_that_is_not_utf_8_to_the_server_takes_the_long_way(postgres_url, other):
    url = parse_url(postgres_url).update_query_dict({"client_encoding": "latin1"})
    with closing(PostgresPool(engine_for(url), Postgres(), own=True)) as link:
        link.run(enqueue, [new_job(args='["é"]')], "here")
    assert [args for _, args in stored(other)] == ['["é"]']


def test_a_server_process_that_ends_after_the_answer_costs_the_next_caller_nothing(link, other):
    link.run(enqueue, [new_job()], "here")
    ((pid,),) = other.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'sqlqueue'").fetchall()
    other.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
    link.run(enqueue, [new_job()], "here")
    assert len(stored(other)) == 2

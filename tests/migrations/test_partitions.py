"""PostgreSQL: the results lie in days, which are made ahead and dropped when they are old."""

import datetime as dt

import psycopg
import pytest

from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.prune import prune
from sqlqueue.store.postgres import Postgres
from tests.support.runners import ROW

DAYS = """
SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid
 WHERE inhparent = 'sqlqueue_results'::regclass ORDER BY 1
"""
TODAY = "SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date"
FINISHED = """
INSERT INTO sqlqueue_results (id, queue, priority, state, task, args, kwargs, created_at, finished_at, attempt,
                              retries, crashes, claim_token)
VALUES (%s, 'q', 0, 'succeeded', 't', '[]', '{}', now(), %s, 1, 0, 0, 1)
RETURNING tableoid::regclass::text
"""


@pytest.fixture
def connection(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as found:
        yield found


def days(connection):
    return {name.rpartition("_")[2] for (name,) in connection.execute(DAYS)} - {"default"}


def today(connection):
    return connection.execute(TODAY).fetchone()[0]


def keep(connection, ahead=14, kept="7 days"):
    return connection.execute("SELECT sqlqueue_keep_partitions(%s, %s::interval)", [ahead, kept]).fetchone()[0]


def finish(connection, job_id, when):
    return connection.execute(FINISHED, [job_id, when]).fetchone()[0]


def old_day(connection, back):
    """Make the partition of a day in the past, with one result in it; return its name."""
    day = today(connection) - dt.timedelta(days=back)
    name = f"sqlqueue_results_{day:%Y%m%d}"
    bounds = f"FROM ('{day} 00:00+00') TO ('{day + dt.timedelta(days=1)} 00:00+00')"
    connection.execute(f"CREATE TABLE {name} PARTITION OF sqlqueue_results FOR VALUES {bounds}")
    assert finish(connection, f"job-{back}", f"{day} 23:59:59+00") == name
    return f"{day:%Y%m%d}"


def test_today_and_fourteen_days_ahead_are_there(connection):
    first = today(connection)
    assert days(connection) == {f"{first + dt.timedelta(days=n):%Y%m%d}" for n in range(15)}


def test_calling_it_twice_is_harmless(connection):
    before = days(connection)
    assert keep(connection) == 0
    assert days(connection) == before


def test_more_days_are_made_when_asked(connection):
    assert keep(connection, ahead=16) == 2
    assert len(days(connection)) == 17


def test_a_result_goes_to_its_day_by_utc(connection):
    day = today(connection)
    connection.execute("SET TIME ZONE 'Asia/Tokyo'")
    assert finish(connection, "a", f"{day} 00:00:00+00").endswith(f"{day:%Y%m%d}")
    assert finish(connection, "b", f"{day} 23:59:59.999999+00").endswith(f"{day:%Y%m%d}")
    assert finish(connection, "c", "2001-01-01 00:00+00").endswith("_default")


def test_days_older_than_asked_are_dropped_and_no_others(connection):
    made = {back: old_day(connection, back) for back in (1, 6, 7, 8, 9, 30)}
    assert keep(connection) == 3
    assert days(connection) & set(made.values()) == {made[1], made[6], made[7]}
    assert {row[0] for row in connection.execute("SELECT id FROM sqlqueue_results")} == {"job-1", "job-6", "job-7"}


def test_the_verb_does_that(connection):
    gone, kept = old_day(connection, 9), old_day(connection, 2)
    drive(over_pyformat(connection, ROW), prune(Postgres(), 7 * 86400.0))
    assert kept in days(connection)
    assert gone not in days(connection)


def test_a_day_that_somebody_reads_is_left_for_later_at_once(connection, postgres_url):
    name = old_day(connection, 9)
    with psycopg.connect(postgres_url) as reader:
        reader.execute(f"SELECT * FROM sqlqueue_results_{name}")
        connection.execute("SET statement_timeout = '5s'")
        assert keep(connection, ahead=15) in (0, 1)
        assert name in days(connection)
    keep(connection, ahead=15)
    assert name not in days(connection)


def test_a_worker_may_call_it_without_owning_anything(connection, postgres_url):
    role = f"worker_{psycopg.conninfo.conninfo_to_dict(postgres_url)['dbname']}"
    connection.execute(f"CREATE ROLE {role}")
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL ROLE {role}")
            assert keep(connection, ahead=15) == 1
        assert len(days(connection)) == 16
    finally:
        connection.execute(f"DROP ROLE {role}")

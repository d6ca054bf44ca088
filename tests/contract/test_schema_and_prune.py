"""schema_version, has_tables, prune; and the whole trip in a PostgreSQL schema of its own."""

import psycopg
import pytest
from psycopg import sql

from sqlqueue.domain.settlement import GiveBack, Reschedule
from sqlqueue.schema import SCHEMA_VERSION
from sqlqueue.store.migrate import upgrade
from sqlqueue.store.ops.claim import lanes
from sqlqueue.store.ops.cycle import Wanted, cycle
from sqlqueue.store.ops.promote import promote
from sqlqueue.store.ops.prune import prune
from sqlqueue.store.ops.rescue import rescue, strays
from sqlqueue.store.ops.results import finished, look_up
from sqlqueue.store.ops.schema import has_tables, schema_version
from sqlqueue.store.ops.workers import beat, observe
from tests.contract.conftest import POSTGRES_KINDS
from tests.support.databases import fresh_name
from tests.support.jobs import ME, QUEUE, finish, lane, new_job, put, put_many, send, sign_on, take
from tests.support.runners import KINDS, Runner

SCHEMAS = ["queue", '100 % o\'clock "Q" ']


def test_the_tables_are_there_and_of_our_version(runner):
    assert runner.run(has_tables) is True
    assert runner.run(schema_version) == SCHEMA_VERSION


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_without_our_tables_says_so(kind, request, tmp_path):
    sqlite = kind.startswith("sqlite")
    url = f"sqlite:///{tmp_path / 'empty.db'}" if sqlite else request.getfixturevalue("empty_postgres_url")
    runner = Runner(kind, url)
    assert runner.run(has_tables) is False
    assert runner.run(schema_version) is None
    runner.close()


def test_prune_keeps_what_is_young_and_forgets_what_is_old(runner):
    put_many(runner, 2)
    old, young = take(runner)
    finish(runner, old, young)
    if runner.backend == "sqlite":
        long_ago = "2001-01-01 00:00:00.000000+00:00"
        runner.rows("UPDATE sqlqueue_results SET finished_at = :then WHERE id = :id", then=long_ago, id=old.id)
        runner.run(prune, 86400.0)
        assert runner.rows("SELECT id FROM sqlqueue_results") == [{"id": young.id}]
    else:
        runner.run(prune, 86400.0)  # whole days go with their partitions: tests/migrations
        assert {row["id"] for row in runner.rows("SELECT id FROM sqlqueue_results")} == {old.id, young.id}


@pytest.fixture(scope="module")
def schemas_url(postgres_server):
    """A database with our tables in several schemas, and none where the search_path looks."""
    name = fresh_name()
    url = postgres_server.create_database(name)
    for schema in SCHEMAS:
        upgrade(url, schema)
    yield url
    postgres_server.drop_database(name)


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("kind", POSTGRES_KINDS)
def test_the_whole_trip_in_a_schema_of_its_own(kind, schema, schemas_url):
    runner = Runner(kind, schemas_url, schema)
    try:
        assert runner.run(schema_version) == SCHEMA_VERSION
        sign_on(runner)
        walk(runner)
        assert runner.run(beat, ME) is True
        assert [seen.incarnation for seen in runner.run(observe)] == [ME]
        runner.run(prune, 86400.0)
        for table in ("jobs", "results", "workers"):
            runner.rows(f"DELETE FROM sqlqueue_{table}")
    finally:
        runner.close()


def walk(runner):
    """Take jobs along every way that a job can go."""
    put(runner, given := new_job(given_id=True), later := new_job(delay=60.0))
    put_many(runner, 3)
    assert runner.run(lanes, [QUEUE]) == [(QUEUE, 0)]
    done, again, back, lost = take(runner)
    finish(runner, done)
    assert put(runner, given) == []
    send(runner, again, Reschedule(again.id, 0.0, 1, None))
    send(runner, back, GiveBack(back.id, started=False))
    runner.rows("UPDATE sqlqueue_jobs SET run_at = run_at - interval '2 minutes' WHERE seq IS NULL")
    assert [placed.id for placed in runner.run(promote)[0]] == [later.id]
    assert [placed.id for placed in runner.run(rescue, ME, "died").back] == [lost.id]
    assert runner.run(strays) == []
    sign_on(runner, "44444444-4444-4444-8444-444444444444")
    claimed = runner.run(cycle, ME, [], {}, Wanted([lane()], 10)).claimed
    assert [job.id for job in claimed] == [back.id, lost.id, again.id, later.id]
    finish(runner, *claimed)
    assert len(runner.run(finished, [job.id for job in claimed])) == 4
    assert runner.run(look_up, given.id).result == "5"
    runner.rows("UPDATE sqlqueue_workers SET stopped_at = now() WHERE incarnation <> CAST(:me AS uuid)", me=ME)
    runner.rows("UPDATE sqlqueue_workers SET stopped_at = NULL WHERE incarnation = CAST(:me AS uuid)", me=ME)


def test_nothing_of_all_that_touches_the_search_path(schemas_url):
    with psycopg.connect(schemas_url) as connection:
        found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'sqlqueue_jobs'").fetchall()
        assert sorted(name for (name,) in found) == sorted(SCHEMAS)
        for schema in SCHEMAS:
            qualified = sql.Identifier(schema, "sqlqueue_jobs")
            assert connection.execute(sql.SQL("SELECT count(*) FROM {}").format(qualified)).fetchone() == (0,)

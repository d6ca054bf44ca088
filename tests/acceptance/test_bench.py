"""`sqlqueue bench`: measures on the user's database, asks first, and leaves nothing behind."""

import sqlite3

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.test_bad_input import refused

MEASURED = [
    "enqueue, one by one",
    "enqueue, 1,000 a commit",
    "drain",
    "pick-up by an idle worker, p50",
    "delay().get(), p99",
]
SCHEMAS = "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'sqlqueue_bench%'"


def users_jobs(url):
    """Return what the user's own tables hold."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            return connection.execute("SELECT id, state FROM sqlqueue_jobs").fetchall()
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, state FROM sqlqueue_jobs").fetchall()


def left_behind(place):
    if place.url.startswith("sqlite"):
        return [path.name for path in place.folder.iterdir() if path.name.startswith("sqlqueue_bench")]
    with psycopg.connect(place.url) as connection:
        return [name for (name,) in connection.execute(SCHEMAS)]


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_it_measures_beside_the_users_jobs(place, pool):
    job = place.app().add.apply_async((1, 1), queue="testq")
    bench = place.run("-A", "tasks", "bench", "--yes", "--quick", "--pool", pool, "--concurrency", "2")
    assert bench.end() == 0, bench.output
    said = {line[:28].strip() for line in bench.output.splitlines()}
    assert [what for what in MEASURED if not any(what.startswith(line) and line for line in said)] == []
    assert "dropped the " in bench.output
    assert users_jobs(place.url) == [(job.id, "ready")]
    assert left_behind(place) == []


def test_it_asks_first(place):
    bench = place.run("bench", "--quick")
    assert bench.end() == 1
    assert "drop it again? [y/N]" in bench.output
    assert "enqueue" not in bench.output
    assert left_behind(place) == []


def test_without_the_right_to_make_a_schema(place, postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader LOGIN")
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("REVOKE CREATE ON DATABASE {} FROM PUBLIC").format(name))
    url = postgres_url.replace("postgres@", "reader@", 1)
    line = refused(place.run("-b", url, "bench", "--quick", "--yes"))
    assert "permission denied for database" in line
    assert "GRANT CREATE ON DATABASE" in line

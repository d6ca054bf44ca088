"""The tables: made, brought up to date and dropped on both databases, by us, by alembic and by hand."""

import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from sqlqueue.errors import SchemaError
from sqlqueue.schema import SCHEMA_VERSION, VERSION_TABLE
from sqlqueue.store.migrate import downgrade, migrations_folder, offline_sql, upgrade
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.results import look_up
from sqlqueue.store.store import Store
from sqlqueue.store.urls import parse_url
from tests.support.jobs import new_job
from tests.support.runners import onlooker

ROOT = pathlib.Path(__file__).parents[2]
TABLES = {
    VERSION_TABLE,
    *(
        f"sqlqueue_{name}"
        for name in ("jobs", "results", "workers", "leases", "dependencies", "groups", "queues", "windows")
    ),
    *(f"sqlqueue_{name}" for name in ("control", "replies", "limits", "slots", "events")),
}
PARTITION = "sqlqueue_results_2"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return request.getfixturevalue("empty_postgres_url")


def objects(url, schema=None):
    """Return the names of tables and views, days left out."""
    engine = create_engine(parse_url(url))
    found = inspect(engine)
    names = set(found.get_table_names(schema)) | set(found.get_view_names(schema))
    engine.dispose()
    return {name for name in names if not name.startswith(PARTITION)}


def definition(url):
    """Return what a PostgreSQL database holds, as far as anybody could tell the difference."""
    queries = [
        """SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
             FROM information_schema.columns WHERE table_schema = 'public'""",
        "SELECT indexdef, '' FROM pg_indexes WHERE schemaname = 'public'",
        """SELECT conrelid::regclass::text, pg_get_constraintdef(oid)
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
        "SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
        "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        f"SELECT version_num, '' FROM {VERSION_TABLE}",
    ]
    with psycopg.connect(url) as connection:
        return [sorted(map(str, connection.execute(query).fetchall())) for query in queries]


def test_from_nothing_to_everything(empty_url):
    upgrade(empty_url)
    assert TABLES | {"sqlqueue_all_jobs"} <= objects(empty_url)
    with closing(Store(empty_url)) as store:
        (placed,) = store.run(enqueue, [job := new_job()])
        assert placed.id == job.id
        found = store.read(look_up, job.id)
        assert found is not None
        assert found.state == "ready"


def test_again_is_harmless(empty_url):
    upgrade(empty_url)
    with closing(Store(empty_url)) as store:
        store.run(enqueue, [job := new_job()])
        upgrade(empty_url)
        assert store.read(look_up, job.id) is not None


def test_downgrade_drops_everything(empty_url):
    upgrade(empty_url)
    downgrade(empty_url)
    assert objects(empty_url) <= {VERSION_TABLE}
    if empty_url.startswith("postgres"):
        with psycopg.connect(empty_url) as connection:
            tables = "SELECT relname FROM pg_class WHERE relname ~ '^sqlqueue_' AND relname !~ 'alembic'"
            functions = "SELECT proname FROM pg_proc WHERE proname ~ '^sqlqueue_'"
            assert connection.execute(f"{tables} UNION ALL {functions}").fetchall() == []
    upgrade(empty_url)
    assert objects(empty_url) >= TABLES


def test_the_version_in_the_code_is_the_newest_revision(empty_url):
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_VERSION
    upgrade(empty_url)
    with closing(onlooker(empty_url)) as outside:
        assert [dict(row) for row in outside.execute(f"SELECT * FROM {VERSION_TABLE}").fetchall()] == [
            {"version_num": SCHEMA_VERSION}
        ]


def alembic(*arguments, **environment):
    """Run alembic's own command with the project's file, as from a checkout."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("by", ["-x url=", "environment"])
def test_alembics_own_command_does_the_same(empty_url, by):
    if by == "environment":
        done = alembic("upgrade", "head", SQLQUEUE_BROKER_URL=empty_url)
    else:
        done = alembic("-x", f"url={empty_url}", "upgrade", "head")
    assert done.returncode == 0, done.stderr
    assert objects(empty_url) >= TABLES
    with closing(Store(empty_url)) as store:
        store.check_schema()


def test_alembics_own_command_and_a_schema(empty_postgres_url):
    done = alembic("-x", f"url={empty_postgres_url}", "-x", "schema=queue", "upgrade", "head")
    assert done.returncode == 0, done.stderr
    assert objects(empty_postgres_url, "queue") >= TABLES
    assert objects(empty_postgres_url) == set()


def test_online_in_a_schema(empty_postgres_url):
    upgrade(empty_postgres_url, 'a "b\'s" 100%')
    assert objects(empty_postgres_url, 'a "b\'s" 100%') >= TABLES
    assert objects(empty_postgres_url) == set()
    downgrade(empty_postgres_url, 'a "b\'s" 100%')
    assert objects(empty_postgres_url, 'a "b\'s" 100%') <= {VERSION_TABLE}


def test_offline_sql_makes_the_same_tables(postgres_url, empty_postgres_url):
    script = offline_sql(empty_postgres_url)
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute(script)
    assert definition(empty_postgres_url) == definition(postgres_url)
    upgrade(empty_postgres_url)


def test_offline_sql_for_a_schema(empty_postgres_url):
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute(offline_sql(empty_postgres_url, "queue"))
    assert objects(empty_postgres_url, "queue") >= TABLES
    assert objects(empty_postgres_url) == set()
    with closing(Store(empty_postgres_url, schema="queue")) as store:
        store.run(enqueue, [new_job()])


def test_a_migration_that_fails_leaves_nothing_behind(empty_postgres_url):
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("CREATE TABLE sqlqueue_leases (mine int)")
    with pytest.raises(Exception, match="sqlqueue_leases"):
        upgrade(empty_postgres_url)
    assert objects(empty_postgres_url) == {"sqlqueue_leases"}


def test_a_users_own_history_is_not_touched(empty_url):
    with closing(onlooker(empty_url)) as outside:
        outside.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        outside.execute("INSERT INTO alembic_version VALUES ('cafe')")
        upgrade(empty_url)
        downgrade(empty_url)
        assert [dict(row) for row in outside.execute("SELECT * FROM alembic_version").fetchall()] == [
            {"version_num": "cafe"}
        ]


@pytest.mark.parametrize("schema", [None, "queue"])
def test_two_upgrades_at_once_both_succeed(empty_postgres_url, schema):
    migrate = [
        sys.executable, "-W", "error", "-c",
        "import sys; from sqlqueue.store.migrate import upgrade; upgrade(sys.argv[1], sys.argv[2] or None)",
        empty_postgres_url, schema or "",
    ]  # fmt: skip
    both_succeed(migrate)
    assert objects(empty_postgres_url, schema) >= TABLES


def test_two_first_uses_of_one_file_both_succeed(tmp_path):
    use = [
        sys.executable, "-W", "error", "-c",
        "import sys; from sqlqueue.store.store import Store; Store(sys.argv[1]).check_schema()",
        f"sqlite:///{tmp_path / 'new.db'}",
    ]  # fmt: skip
    both_succeed(use)
    assert objects(f"sqlite:///{tmp_path / 'new.db'}") >= TABLES


def both_succeed(command):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with ThreadPoolExecutor(3) as threads:
        runs = [
            threads.submit(subprocess.run, command, env=env, capture_output=True, text=True, timeout=60)
            for _ in range(3)
        ]
    for done in (run.result() for run in runs):
        assert done.returncode == 0, done.stderr


class TestWrongVersions:
    def test_missing_tables_are_named_with_the_command(self, empty_postgres_url):
        for schema, command in ((None, "migrate"), ("queue", "migrate --schema queue")):
            words = f"no sqlqueue tables.*sqlqueue -b '.*' {command}"
            with closing(Store(empty_postgres_url, schema=schema)) as store, pytest.raises(SchemaError, match=words):
                store.run(enqueue, [new_job()])

    def test_tables_made_afterwards_are_found(self, empty_postgres_url):
        with closing(Store(empty_postgres_url)) as store:
            with pytest.raises(SchemaError):
                store.check_schema()
            upgrade(empty_postgres_url)
            store.run(enqueue, [new_job()])

    def test_tables_that_vanish_are_named_too(self, empty_postgres_url):
        upgrade(empty_postgres_url)
        with closing(Store(empty_postgres_url)) as store:
            store.run(enqueue, [new_job()])
            downgrade(empty_postgres_url)
            with pytest.raises(SchemaError, match=r"no sqlqueue tables.*migrate"):
                store.run(enqueue, [new_job()])

    @pytest.mark.parametrize(
        ("version", "words"), [("0000", "this release needs .*migrate"), ("9999", "upgrade sqlqueue-jobs")]
    )
    def test_another_version_is_refused_with_the_fix(self, database_url, version, words):
        with closing(onlooker(database_url)) as outside:
            outside.execute(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")
        with closing(Store(database_url)) as store, pytest.raises(SchemaError, match=words):
            store.run(enqueue, [new_job()])

    def test_a_file_is_made_at_its_first_use(self, tmp_path):
        with closing(Store(f"sqlite:///{tmp_path / 'new.db'}")) as store:
            assert len(store.run(enqueue, [new_job()])) == 1

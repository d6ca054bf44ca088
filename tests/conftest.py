"""The databases that tests ask for: one server for each test process, one migrated database for each test.

`database_url` runs a test on every database; `sqlite_url` and `postgres_url` name one. All three are
migrated; `empty_postgres_url` is not. A run that asks for SQLite only starts no server.
"""

import os
import pathlib
import shutil
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from tests.support.databases import RunningServer, Server, fresh_name

hypothesis.settings.register_profile(  # a busy machine is not a bug
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the workers that tests start inherit it, also under nohup


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """`$SQLQUEUE_TEST_PG` if set, else a PostgreSQL of our own, in memory."""
    if dsn := os.environ.get("SQLQUEUE_TEST_PG"):
        yield RunningServer(dsn)
        return
    from sqlqueue.testing.server import PostgresServer

    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> Iterator[str]:
    """The name of a database with our schema, to clone: migrating takes longer than copying."""
    from sqlqueue.store.migrate import upgrade

    name = fresh_name()
    upgrade(postgres_server.create_database(name))
    yield name
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A SQLite file with our schema, to copy."""
    from sqlqueue.store.migrate import upgrade

    path = tmp_path_factory.mktemp("template") / "jobs.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    """A database of this test's own, with our schema."""
    name = fresh_name()
    yield postgres_server.create_database(name, postgres_template)
    postgres_server.drop_database(name)


@pytest.fixture
def empty_postgres_url(postgres_server: Server) -> Iterator[str]:
    """A database of this test's own, with nothing in it."""
    name = fresh_name()
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
def sqlite_url(sqlite_template: pathlib.Path, tmp_path: pathlib.Path) -> str:
    """A SQLite file of this test's own, with our schema."""
    shutil.copy(sqlite_template, tmp_path / "jobs.db")
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn, with our schema."""
    return request.getfixturevalue(f"{request.param}_url")

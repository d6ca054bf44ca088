"""`runner` runs each test of a verb through every kind of connection to every database.

All tests of one process share one PostgreSQL database, emptied before each: making one takes longer than the test.
"""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.databases import Server, fresh_name
from tests.support.runners import KINDS, Runner, onlooker

POSTGRES_KINDS = [kind for kind in KINDS if kind.startswith("postgres")]


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    name = fresh_name()
    yield postgres_server.create_database(name, postgres_template)
    postgres_server.drop_database(name)


@pytest.fixture
def emptied_postgres(shared_postgres: str) -> str:
    with psycopg.connect(shared_postgres) as connection:
        for table in (
            "jobs",
            "results",
            "workers",
            "leases",
            "dependencies",
            "groups",
            "windows",
            "queues",
            "control",
            "replies",
            "limits",
            "slots",
            "events",
        ):
            connection.execute(f"DELETE FROM sqlqueue_{table}")
    return shared_postgres


@pytest.fixture(params=KINDS)
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Each kind of connection in turn."""
    yield from _opened(request)


@pytest.fixture(params=POSTGRES_KINDS)
def postgres_runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Each kind of connection to PostgreSQL in turn."""
    yield from _opened(request)


@pytest.fixture(params=["sqlite-link", "postgres-pinned"])
def worker_runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """The connections that a worker has, for what only workers do."""
    yield from _opened(request)


def _opened(request: pytest.FixtureRequest) -> Iterator[Runner]:
    sqlite = request.param.startswith("sqlite")
    found = Runner(request.param, request.getfixturevalue("sqlite_url" if sqlite else "emptied_postgres"))
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def row(database_url):
    """Return the row of an unfinished job."""
    connection = onlooker(database_url)

    def look(result):
        sqlite = database_url.startswith("sqlite")
        mark = "?" if sqlite else "%s"
        return dict(connection.execute(f"SELECT * FROM sqlqueue_jobs WHERE id = {mark}", (result.id,)).fetchone())

    yield look
    connection.close()


@pytest.fixture
def effects(database_url):
    """What is committed in a table of the user's own."""
    connection = onlooker(database_url)
    connection.execute("CREATE TABLE effects (what text)")
    yield lambda: [row["what"] for row in connection.execute("SELECT what FROM effects").fetchall()]
    connection.execute("DROP TABLE effects")
    connection.close()

"""A server of the tests' own, that can be crashed and stands behind a proxy that can cut."""

import psycopg
import pytest

from sqlqueue.store.migrate import upgrade
from sqlqueue.testing.server import PostgresServer
from tests.acceptance.conftest import Place
from tests.support.proxy import proxied

# A commit that does not wait for the disk stays off it for long, so that a crash forgets it for certain.
FORGETTING = {"synchronous_commit": "on", "wal_writer_delay": "10s", "deadlock_timeout": "50ms"}


@pytest.fixture(scope="session")
def crashable():
    with PostgresServer(port=0, settings=FORGETTING) as server:
        server.create_database("shop")
        upgrade(server.dsn("shop"))
        yield server


@pytest.fixture
def server(crashable):
    crashable.start()
    with psycopg.connect(crashable.dsn("shop")) as connection:
        for table in ("jobs", "results", "workers", "leases"):
            connection.execute(f"DELETE FROM sqlqueue_{table}")
    return crashable


@pytest.fixture
def proxy(server):
    with proxied(server.port) as found:
        yield found


@pytest.fixture
def proxy_url(proxy):
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/shop"


@pytest.fixture
def place_at(tmp_path, monkeypatch):
    """Return a place on the database of a URL."""
    places = []

    def make(url):
        monkeypatch.setenv("SQLQUEUE_BROKER_URL", url)
        places.append(Place(tmp_path, url))
        return places[-1]

    yield make
    for command in (command for place in places for command in place.commands):
        command.clean_up()

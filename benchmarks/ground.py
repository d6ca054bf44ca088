"""The databases that are measured: durable, on one disk, a fresh one with our tables for each measurement.

What is put into them, untimed, and how their answers are read: `filling`.
"""

import contextlib
import itertools
import pathlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import psycopg

from sqlqueue.store import migrate
from sqlqueue.testing.server import PostgresServer

Connection = psycopg.Connection[Any] | sqlite3.Connection


class Database(Protocol):
    """One kind of database."""

    name: str
    title: str  # with version and durability, as the table's heading

    def fresh(self) -> contextlib.AbstractContextManager[str]:
        """Lend the URL of a new database with our tables."""

    def empty(self) -> contextlib.AbstractContextManager[str]:
        """Lend the URL of a new database with nothing in it."""

    def ask(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        """Execute one statement and return its rows."""

    def settle_down(self, url: str) -> None:
        """Let the database finish what a fill left for later, so that no measurement pays for it."""

    def seconds(self, first: Any, last: Any) -> float:
        """Return the time between two of its timestamps."""


class Postgres:
    name = "postgres"

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._names = (f"bench_{number}" for number in itertools.count(1))
        migrate.upgrade(server.create_database("template_bench"))
        version = self.ask(server.dsn(), "SHOW server_version")[0][0].split()[0]
        self.title = f"PostgreSQL {version}, fsync and synchronous_commit on"

    def fresh(self) -> contextlib.AbstractContextManager[str]:
        return self._lend("template_bench")

    def empty(self) -> contextlib.AbstractContextManager[str]:
        return self._lend(None)

    @contextlib.contextmanager
    def _lend(self, template: str | None) -> Iterator[str]:
        name = next(self._names)
        yield self.server.create_database(name, template)
        self.server.drop_database(name)

    def ask(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def settle_down(self, url: str) -> None:
        self.ask(url, "VACUUM ANALYZE")
        self.ask(url, "CHECKPOINT")

    def seconds(self, first: Any, last: Any) -> float:
        return float((last - first).total_seconds())


class SQLite:
    name = "sqlite"
    title = f"SQLite {sqlite3.sqlite_version}, WAL, synchronous FULL"

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._names = (f"bench_{number}" for number in itertools.count(1))

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        with self.empty() as url:
            migrate.upgrade(url)
            yield url

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        home = self.folder / next(self._names)
        home.mkdir()
        yield f"sqlite:///{home / 'jobs.db'}"
        shutil.rmtree(home)

    def ask(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows

    def settle_down(self, url: str) -> None:
        self.ask(url, "ANALYZE")
        self.ask(url, "PRAGMA wal_checkpoint(TRUNCATE)")

    def seconds(self, first: Any, last: Any) -> float:
        ((found,),) = self.ask(":memory:", f"SELECT (julianday('{last}') - julianday('{first}')) * 86400.0")
        return float(found)


@contextlib.contextmanager
def databases(names: Sequence[str]) -> Iterator[list[Database]]:
    """Lend the databases of these names, all on the disk of one temporary folder."""
    with contextlib.ExitStack() as stack:
        found: list[Database] = []
        if "sqlite" in names:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sqlqueue-bench-"))
            found.append(SQLite(pathlib.Path(folder)))
        if "postgres" in names:
            found.append(Postgres(stack.enter_context(PostgresServer(durable=True))))
        yield found


@contextlib.contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Lend one connection that commits by itself; both kinds have `execute`."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(url, autocommit=True) as postgres:
            yield postgres


def rows(connection: Connection, statement: str) -> list[Any]:
    """Execute one statement of ours, without parameters, and return what it yields."""
    cursor: Any = connection.execute(statement)
    return list(cursor.fetchall()) if cursor.description else []

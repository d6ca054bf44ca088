"""The databases that are measured: durable, on one disk, a fresh one with our tables for each measurement."""

import contextlib
import itertools
import pathlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import psycopg

from sqlqueue.domain.job import NewJob
from sqlqueue.store import migrate
from sqlqueue.testing.server import PostgresServer

from .tasks import QUEUE

# The same text on both databases.
DRAINED = """
SELECT count(*), min(claimed_at), max(finished_at), sum(CAST(CAST(result AS text) AS bigint)) FROM sqlqueue_results
"""


class Database(Protocol):
    """One kind of database."""

    name: str
    title: str  # with version and durability, as the table's heading

    def fresh(self) -> contextlib.AbstractContextManager[str]:
        """Lend the URL of a new database with our tables."""

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

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        name = next(self._names)
        yield self.server.create_database(name, "template_bench")
        self.server.drop_database(name)

    def ask(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def settle_down(self, url: str) -> None:
        self.ask(url, "VACUUM ANALYZE sqlqueue_jobs")
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
        home = self.folder / next(self._names)
        home.mkdir()
        url = f"sqlite:///{home / 'jobs.db'}"
        migrate.upgrade(url)
        yield url
        shutil.rmtree(home)

    def ask(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection:
            return connection.execute(statement).fetchall()

    def settle_down(self, url: str) -> None:
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


def jobs(first: int, count: int) -> list[NewJob]:
    """Return calls of `add(i, i)` with ids in order, whose results sum up to a known number."""
    return [
        NewJob(id=f"{i:08x}-bench", task="benchmarks.tasks.add", queue=QUEUE, args=f"[{i},{i}]")
        for i in range(first, first + count)
    ]


def rate(database: Database, url: str, count: int, *, answers: bool = True) -> float:
    """Return jobs a second from the first claim to the last result, by the database's clock.

    Asserts that every job has its result, and, unless `answers` is false, that the results are right.
    """
    ((found, first, last, total),) = database.ask(url, DRAINED)
    assert found == count, f"{found} results of {count} jobs"
    assert not answers or total == count * (count - 1), "the results are wrong"
    assert database.ask(url, "SELECT count(*) FROM sqlqueue_jobs") == [(0,)], "jobs are left"
    return count / database.seconds(first, last)

"""Every way to run a verb: our own links, and each kind of connection that a caller may hand in.

`Runner.run` runs one verb and commits, on whatever connection it was made for; `rows` looks at the tables from
another connection, so that a test sees what is committed and nothing else.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row, tuple_row
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from sqlqueue.store.dialect import Dialect
from sqlqueue.store.drivers import (
    adrive,
    drive,
    over_async_pyformat,
    over_async_sqlalchemy,
    over_named,
    over_pyformat,
    over_sqlalchemy,
)  # fmt: skip
from sqlqueue.store.operation import Statement
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.postgres_link import PostgresPinned, PostgresPool
from sqlqueue.store.sqlite import SQLite
from sqlqueue.store.sqlite_link import SQLiteLink
from sqlqueue.store.urls import engine_for, parse_url

Call = Callable[..., Any]
Opener = Callable[[str, Dialect], AbstractContextManager[Call]]

ROW = {"row_factory": tuple_row}


@contextmanager
def sqlite_link(url: str, dialect: Dialect) -> Iterator[Call]:
    with closing(SQLiteLink(str(parse_url(url).database), dialect)) as link:
        yield link.run


@contextmanager
def raw_sqlite(url: str, dialect: Dialect) -> Iterator[Call]:
    with closing(sqlite3.connect(str(parse_url(url).database))) as connection:
        connection.row_factory = sqlite3.Row  # a user's own taste must not disturb us
        yield _committing(connection, over_named(connection), dialect)


@contextmanager
def pool_link(url: str, dialect: Dialect) -> Iterator[Call]:
    with closing(PostgresPool(engine_for(parse_url(url)), dialect, own=True)) as link:
        yield link.run


@contextmanager
def pinned_link(url: str, dialect: Dialect) -> Iterator[Call]:
    with closing(PostgresPinned(engine_for(parse_url(url)), dialect)) as link:
        yield link.run


@contextmanager
def raw_psycopg(url: str, dialect: Dialect) -> Iterator[Call]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield _committing(connection, over_pyformat(connection, ROW), dialect)


@contextmanager
def sqlalchemy(url: str, dialect: Dialect) -> Iterator[Call]:
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        yield _committing(connection, over_sqlalchemy(connection), dialect)
    engine.dispose()


@contextmanager
def async_sqlalchemy(url: str, dialect: Dialect) -> Iterator[Call]:
    with asyncio.Runner() as loop:
        engine = create_async_engine(async_url(url))
        connection = loop.run(_awaited(engine.connect()))
        try:
            yield _acommitting(loop, connection, over_async_sqlalchemy(connection), dialect)
        finally:
            loop.run(connection.close())
            loop.run(engine.dispose())


@contextmanager
def async_psycopg(url: str, dialect: Dialect) -> Iterator[Call]:
    with asyncio.Runner() as loop:
        connection = loop.run(psycopg.AsyncConnection.connect(url))
        try:
            yield _acommitting(loop, connection, over_async_pyformat(connection, ROW), dialect)
        finally:
            loop.run(connection.close())


KINDS: dict[str, Opener] = {
    "sqlite-link": sqlite_link,
    "sqlite-raw": raw_sqlite,
    "sqlite-sqlalchemy": sqlalchemy,
    "sqlite-async-sqlalchemy": async_sqlalchemy,
    "postgres-pool": pool_link,
    "postgres-pinned": pinned_link,
    "postgres-raw": raw_psycopg,
    "postgres-sqlalchemy": sqlalchemy,
    "postgres-async-sqlalchemy": async_sqlalchemy,
    "postgres-async-psycopg": async_psycopg,
}
"""Database and kind of connection to what opens one."""


class Runner:
    """Runs verbs on one kind of connection to one database."""

    def __init__(self, kind: str, url: str, schema: str | None = None) -> None:
        self.kind = kind
        self.url = url
        self.backend = kind.partition("-")[0]
        self.schema = schema
        self.dialect: Dialect = SQLite() if self.backend == "sqlite" else Postgres(schema)
        self._opened = KINDS[kind](url, self.dialect)
        self._call = self._opened.__enter__()
        self._onlooker = onlooker(url)

    def run(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a verb and commit; roll back when it raises."""
        return self._call(verb, *args, **kwargs)

    def rows(self, sql: str, **params: object) -> list[dict[str, Any]]:
        """Execute SQL with ``:name`` parameters on another connection; return its rows."""
        statement = Statement(sql).within(self.schema)
        text = statement.named if self.backend == "sqlite" else statement.pyformat
        cursor = self._onlooker.execute(text, params)
        return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the row of an unfinished job."""
        (row,) = self.rows("SELECT * FROM sqlqueue_jobs WHERE id = :id", id=job_id)
        return row

    def result(self, job_id: str) -> dict[str, Any]:
        """Return the row of a finished job."""
        (row,) = self.rows("SELECT * FROM sqlqueue_results WHERE id = :id", id=job_id)
        return row

    def another(self) -> "Runner":
        """Return a second connection of the same kind; the caller closes it."""
        return Runner(self.kind, self.url, self.schema)

    def close(self) -> None:
        self._onlooker.close()
        self._opened.__exit__(None, None, None)


def onlooker(url: str) -> Any:
    """Return a plain connection in autocommit mode whose rows become dicts."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(str(parse_url(url).database), isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def async_url(url: str) -> Any:
    """Return the same database for an async engine."""
    parsed = parse_url(url)
    return parsed.set(drivername="sqlite+aiosqlite") if parsed.get_backend_name() == "sqlite" else parsed


def _committing(connection: Any, execute: Any, dialect: Dialect) -> Call:
    def run(verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            value = drive(execute, verb(dialect, *args, **kwargs))
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
        return value

    return run


def _acommitting(loop: asyncio.Runner, connection: Any, execute: Any, dialect: Dialect) -> Call:
    async def run(verb: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            value = await adrive(execute, verb(dialect, *args, **kwargs))
        except BaseException:
            await connection.rollback()
            raise
        await connection.commit()
        return value

    return lambda verb, *args, **kwargs: loop.run(run(verb, args, kwargs))


async def _awaited(awaitable: Any) -> Any:
    return await awaitable

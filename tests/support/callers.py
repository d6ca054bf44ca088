"""A user's own connection or session of every kind, with the same few words for all of them.

Everything is awaited, so that a scenario is written once: what is not async answers at once.
"""

import asyncio
import functools
import inspect
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from sqlqueue.store.urls import parse_url
from tests.support.runners import async_url


async def settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def awaited(test: Callable[..., Any]) -> Callable[..., None]:
    """Run an async test in a loop of its own, without a plugin."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Caller:
    """A user in the middle of a transaction. ``given`` is what is handed to sqlqueue."""

    def __init__(self, given: Any, *, is_async: bool) -> None:
        self.given = given
        self.is_async = is_async
        self.speaks_sqlalchemy = "sqlalchemy" in type(given).__module__

    async def execute(self, sql: str) -> Any:
        return await settled(self.given.execute(text(sql) if self.speaks_sqlalchemy else sql))

    async def send(self, task: Any, *args: Any, **options: Any) -> Any:
        """Send with ``session=``."""
        options["session"] = self.given
        return await self.apply(task, *args, **options)

    async def apply(self, task: Any, *args: Any, **options: Any) -> Any:
        send = task.aapply_async if self.is_async else task.apply_async
        return await settled(send(args, **options))

    async def delay(self, task: Any, *args: Any) -> Any:
        return await settled((task.adelay if self.is_async else task.delay)(*args))

    async def commit(self) -> None:
        await settled(self.given.commit())

    async def rollback(self) -> None:
        await settled(self.given.rollback())

    async def savepoint(self) -> Callable[[], Any]:
        """Begin a savepoint and return what rolls back to it."""
        if self.speaks_sqlalchemy:
            nested = await settled(self.given.begin_nested())
            return lambda: settled(nested.rollback())
        await self.execute("SAVEPOINT here")
        return lambda: self.execute("ROLLBACK TO SAVEPOINT here")


def _sync(open_: Callable[[Any], Any]) -> Callable[[str], Any]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Caller]:
        engine = create_engine(parse_url(url))
        given = open_(engine)
        try:
            yield Caller(given, is_async=False)
        finally:
            (given.remove if isinstance(given, scoped_session) else given.close)()
            engine.dispose()

    return opened


def _async(open_: Callable[[Any], Any]) -> Callable[[str], Any]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Caller]:
        engine = create_async_engine(async_url(url))
        given = await settled(open_(engine))
        try:
            yield Caller(given, is_async=True)
        finally:
            await (given.remove if isinstance(given, async_scoped_session) else given.close)()
            await engine.dispose()

    return opened


def _async_scoped(engine: Any) -> Any:
    return async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)


async def _begun(engine: Any) -> Any:
    return await engine.connect()


@asynccontextmanager
async def _psycopg(url: str) -> AsyncIterator[Caller]:
    with psycopg.connect(url) as connection:
        yield Caller(connection, is_async=False)


@asynccontextmanager
async def _async_psycopg(url: str) -> AsyncIterator[Caller]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        yield Caller(connection, is_async=True)


@asynccontextmanager
async def _sqlite3(url: str) -> AsyncIterator[Caller]:
    connection = sqlite3.connect(str(parse_url(url).database))
    try:
        yield Caller(connection, is_async=False)
    finally:
        connection.close()


_BOTH: dict[str, Callable[[str], Any]] = {
    "session": _sync(Session),
    "scoped_session": _sync(lambda engine: scoped_session(sessionmaker(engine))),
    "connection": _sync(lambda engine: engine.connect()),
    "async_session": _async(AsyncSession),
    "async_scoped_session": _async(_async_scoped),
    "async_connection": _async(_begun),
}

CALLERS: dict[str, Callable[[str], Any]] = {
    **{f"{backend}-{kind}": opened for backend in ("sqlite", "postgres") for kind, opened in _BOTH.items()},
    "postgres-psycopg": _psycopg,
    "postgres-async_psycopg": _async_psycopg,
    "sqlite-sqlite3": _sqlite3,
}
"""Database and kind to what opens a caller on a URL."""

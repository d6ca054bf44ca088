"""The ways to drive an operation: a loop for sync, a loop for async, and a few lines for each kind of connection.

None of these begins or commits anything: whoever owns the transaction does (``postgres_link``, ``sqlite_link``, or
the caller whose session it is).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from sqlqueue.store.operation import Batch, Op, Rows

T = TypeVar("T")


class Execute(Protocol):
    """Executes a batch on some connection and returns the rows of each of its steps."""

    def __call__(self, batch: Batch, /) -> list[Rows]:
        """Execute the steps in order."""


class AsyncExecute(Protocol):
    """The same, awaited."""

    def __call__(self, batch: Batch, /) -> Awaitable[list[Rows]]:
        """Execute the steps in order."""


def drive(execute: Execute, op: Op[T]) -> T:
    """Run an operation to its end and return what it returns."""
    try:
        batch = next(op)
        while True:
            batch = op.send(execute(batch))
    except StopIteration as done:
        value: T = done.value
        return value
    finally:
        op.close()


async def adrive(execute: AsyncExecute, op: Op[T]) -> T:
    """Run an operation to its end, awaiting each batch, and return what it returns."""
    try:
        batch = next(op)
        while True:
            batch = op.send(await execute(batch))
    except StopIteration as done:
        value: T = done.value
        return value
    finally:
        op.close()


def over_sqlalchemy(connection: Connection) -> Execute:
    """Execute on a SQLAlchemy connection, inside whatever transaction it is in."""

    def execute(batch: Batch) -> list[Rows]:
        answers = []
        for statement, params in batch.steps:
            result = connection.execute(statement.clause, dict(params))
            answers.append([tuple(row) for row in result] if result.returns_rows else [])
        return answers

    return execute


def over_async_sqlalchemy(connection: AsyncConnection) -> AsyncExecute:
    """Execute on an async SQLAlchemy connection."""

    async def execute(batch: Batch) -> list[Rows]:
        answers = []
        for statement, params in batch.steps:
            result = await connection.execute(statement.clause, dict(params))
            answers.append([tuple(row) for row in result] if result.returns_rows else [])
        return answers

    return execute


def over_named(connection: Any) -> Execute:
    """Execute on a raw DB-API connection with the ``named`` parameter style; any row factory."""

    def execute(batch: Batch) -> list[Rows]:
        cursor = connection.cursor()
        cursor.row_factory = None
        try:
            return [cursor.execute(statement.named, params).fetchall() for statement, params in batch.steps]
        finally:
            cursor.close()

    return execute


def over_pyformat(connection: Any, cursor_options: dict[str, Any]) -> Execute:
    """Execute on a raw DB-API connection with the ``pyformat`` parameter style."""

    def execute(batch: Batch) -> list[Rows]:
        answers = []
        with connection.cursor(**cursor_options) as cursor:
            for statement, params in batch.steps:
                cursor.execute(statement.pyformat, params)
                answers.append(cursor.fetchall() if cursor.description else [])
        return answers

    return execute


def over_async_pyformat(connection: Any, cursor_options: dict[str, Any]) -> AsyncExecute:
    """Execute on a raw async connection with the ``pyformat`` parameter style."""

    async def execute(batch: Batch) -> list[Rows]:
        answers = []
        async with connection.cursor(**cursor_options) as cursor:
            for statement, params in batch.steps:
                await cursor.execute(statement.pyformat, params)
                answers.append(await cursor.fetchall() if cursor.description else [])
        return answers

    return execute

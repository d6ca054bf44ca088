"""Joins a caller's own transaction: looks once at what was given and finds the way to execute on it.

Never begins, commits or rolls back anything. Whoever waits for the jobs is woken when the transaction commits, where
the connection can tell (SQLAlchemy); raw connections cannot, so workers find their jobs by polling.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, event
from sqlalchemy.exc import UnboundExecutionError

from sqlqueue.errors import BindingError
from sqlqueue.store.drivers import (
    AsyncExecute,
    Execute,
    adrive,
    drive,
    over_async_pyformat,
    over_async_sqlalchemy,
    over_named,
    over_pyformat,
    over_sqlalchemy,
)
from sqlqueue.store.ops.schema import has_tables
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.sqlite import SQLite
from sqlqueue.store.sqlite_link import IN_MEMORY, place_of
from sqlqueue.store.urls import show

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.orm import Session

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op
    from sqlqueue.store.rows import Placed

T = TypeVar("T")

Waken = Callable[["list[Placed]", float], object]
"""Told the jobs of a commit, and in how many seconds it will be over."""

COMMIT_TAKES = 0.003
"""Seconds after which a COMMIT that is being sent is taken to be over; a slower one is found by polling."""


class Bound:
    """A caller's connection, ready to run verbs on. Exactly one of ``execute`` and ``aexecute`` is set."""

    def __init__(
        self,
        dialect: Dialect,
        place: str,
        *,
        execute: Execute | None = None,
        aexecute: AsyncExecute | None = None,
        commits: Session | Connection | None = None,
        in_transaction: Callable[[], bool] = lambda: False,
    ) -> None:
        self.dialect = dialect
        self.place = place
        self.execute = execute
        self.aexecute = aexecute
        self.in_transaction = in_transaction
        self._commits = commits

    def run(self, op: Op[T]) -> T:
        """Run an operation inside the caller's transaction."""
        if self.execute is None:
            raise BindingError("this connection is async: use adelay() or aapply_async(), and await it")
        try:
            return drive(self.execute, op)
        except Exception as error:
            raise self.dialect.translate(error) or error from error

    async def arun(self, op: Op[T]) -> T:
        """Run an operation inside the caller's transaction, awaiting it."""
        if self.aexecute is None:
            return self.run(op)
        try:
            return await adrive(self.aexecute, op)
        except Exception as error:
            raise self.dialect.translate(error) or error from error

    def after_commit(self, jobs: list[Placed], waken: Waken) -> None:
        """Tell ``waken`` of ``jobs`` once the transaction has committed, where the connection can say so."""
        if self._commits is not None:
            _Commits.of(self._commits).add(jobs, waken)


def bind(given: Any, schema: str | None) -> Bound:
    """Return the way to execute on a SQLAlchemy, psycopg, sqlite3 or Django connection, or session.

    Raises
    ------
    BindingError: it is none of these; the message lists them.
    """
    if isinstance(given, Connection):
        return _sqlalchemy(given, schema, given)
    if _is(given, ORM, "scoped_session"):
        return bind(given(), schema)
    if _is(given, "django.db.backends.base.base", "BaseDatabaseWrapper") or _is(given, DJANGO, "ConnectionProxy"):
        given.ensure_connection()
        return bind(given.connection, schema)
    if _is(given, ORM, "Session"):
        return _sqlalchemy(_connection_of(given), schema, given)
    if _is(given, ASYNCIO, "AsyncConnection"):
        return _async_sqlalchemy(given, schema, given.sync_connection)
    if _is(given, ASYNCIO, "AsyncSession", "async_scoped_session"):
        raise BindingError("this session is async: use adelay() or aapply_async(), and await it")
    if isinstance(given, sqlite3.Connection):
        return Bound(
            SQLite(), place_of(given), execute=over_named(given), in_transaction=lambda: bool(given.in_transaction)
        )
    return _psycopg(given, schema)


async def abind(given: Any, schema: str | None) -> Bound:
    """The same for async callers; an async session must be asked for its connection."""
    if _is(given, ASYNCIO, "async_scoped_session"):
        given = given()
    if _is(given, ASYNCIO, "AsyncSession"):
        return _async_sqlalchemy(await given.connection(), schema, given.sync_session)
    return bind(given, schema)


ORM, ASYNCIO, DJANGO = "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "django.utils.connection"


def _is(given: Any, module: str, *names: str) -> bool:
    """Tell whether ``given`` is of one of these classes.

    A module that nobody has imported has no instances, and these take longer to import than all of ours.
    """
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(given, tuple(getattr(loaded, name) for name in names))


def _connection_of(session: Session) -> Connection:
    try:
        return session.connection()
    except UnboundExecutionError as error:
        raise BindingError("the session is bound to no engine: pass session=session.connection(...) instead") from error


def _dialect(name: str, schema: str | None) -> Dialect:
    match name:
        case "postgresql":
            return Postgres(schema)
        case "sqlite":
            return SQLite()
    raise BindingError(f"sqlqueue's tables are in PostgreSQL or SQLite, this connection is to {name}")


def _sqlalchemy(connection: Connection, schema: str | None, commits: Session | Connection) -> Bound:
    dialect = _dialect(connection.dialect.name, schema)
    return Bound(
        dialect, show(connection.engine.url), execute=over_sqlalchemy(connection), commits=commits,
        in_transaction=lambda: not connection.closed and connection.in_transaction(),
    )  # fmt: skip


def _async_sqlalchemy(connection: AsyncConnection, schema: str | None, commits: Session | Connection | None) -> Bound:
    dialect = _dialect(connection.dialect.name, schema)
    return Bound(
        dialect, show(connection.engine.url), aexecute=over_async_sqlalchemy(connection), commits=commits,
        in_transaction=lambda: not connection.closed and connection.in_transaction(),
    )  # fmt: skip


def _psycopg(given: Any, schema: str | None) -> Bound:
    """Recognise psycopg's connections by name: it is not imported unless the caller did."""
    kinds = {f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(given).__mro__}
    is_async = "psycopg.AsyncConnection" in kinds
    if not is_async and "psycopg.Connection" not in kinds:
        message = (
            f"cannot enqueue on a {type(given).__module__}.{type(given).__qualname__}:"
            " pass a SQLAlchemy Session, Connection,"
            " AsyncSession or AsyncConnection, a psycopg connection, a sqlite3 connection, or Django's"
        )
        raise BindingError(message)
    from psycopg.rows import tuple_row  # noqa: PLC0415 - loaded already: the caller holds its connection

    options = {"row_factory": tuple_row}
    place = f"postgresql://{given.info.host}/{given.info.dbname}"
    idle = 0  # psycopg.pq.TransactionStatus.IDLE

    def in_transaction() -> bool:
        return not given.closed and int(given.info.transaction_status) != idle

    if is_async:
        aexecute = over_async_pyformat(given, options)
        return Bound(Postgres(schema), place, aexecute=aexecute, in_transaction=in_transaction)
    return Bound(Postgres(schema), place, execute=over_pyformat(given, options), in_transaction=in_transaction)


class Guard:
    """Knows which places have our tables, so that each is looked up once."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self._known: set[str] = set()

    def check(self, bound: Bound) -> None:
        """Raise BindingError when the connection's database has no tables of ours."""
        if bound.place not in self._known and bound.execute is not None:
            self._judge(bound, found=bound.run(has_tables(bound.dialect)))

    async def acheck(self, bound: Bound) -> None:
        """The same, awaited."""
        if bound.place not in self._known:
            self._judge(bound, found=await bound.arun(has_tables(bound.dialect)))

    def _judge(self, bound: Bound, *, found: bool) -> None:
        if not found:
            message = (
                f"the connection given is to {bound.place}, which has no sqlqueue tables; the broker is {self._broker}."
                " Pass a connection to the broker's database, or make the tables there with: sqlqueue migrate"
            )
            raise BindingError(message)
        if bound.place != IN_MEMORY:  # one word for any of them
            self._known.add(bound.place)


class _Commits:
    """What to tell after the next commit of one session or connection; one listener for each, however many jobs."""

    _all: ClassVar[WeakKeyDictionary[Session | Connection, _Commits]] = WeakKeyDictionary()

    def __init__(self, target: Session | Connection) -> None:
        self._pending: list[tuple[list[Placed], Waken]] = []
        if not isinstance(target, Connection):
            event.listen(target, "after_commit", self._session_committed)
            event.listen(target, "after_rollback", self._rolled_back)
        else:
            event.listen(target, "commit", self._committing)
            event.listen(target, "rollback", self._rolled_back)

    @classmethod
    def of(cls, target: Session | Connection) -> _Commits:
        found = cls._all.get(target)
        if found is None:
            found = cls._all[target] = cls(target)
        return found

    def add(self, jobs: list[Placed], waken: Waken) -> None:
        self._pending.append((jobs, waken))

    def _session_committed(self, session: Session) -> None:
        if not session.in_nested_transaction():  # a released savepoint is no commit
            self._tell(0.0)

    def _committing(self, _: Connection) -> None:
        """Called just before the COMMIT is sent, which is all that a connection tells: so speak a little later."""
        self._tell(COMMIT_TAKES)

    def _tell(self, delay: float) -> None:
        pending, self._pending = self._pending, []
        for jobs, waken in pending:
            waken(jobs, delay)

    def _rolled_back(self, _: object) -> None:
        self._pending.clear()

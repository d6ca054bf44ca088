"""Lends a task a transaction of its own, which only the framework may end: see ``client.transaction``.

The task's writes, its settlement and its result are to be committed together or not at all. So whatever else would
end the transaction is refused, and what cannot be refused, such as a COMMIT written out in SQL, is noticed at the end.
"""

from __future__ import annotations

import sqlite3
import uuid
from typing import TYPE_CHECKING, Any, NoReturn, Self

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from sqlqueue.errors import TransactionEnded
from sqlqueue.store.postgres_link import forget_connections_after_fork
from sqlqueue.store.sqlite_link import BUSY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection

    from sqlqueue.store.dialect import Dialect

MARK = "sqlqueue.transaction"

SWALLOWED = (
    "an SQL error that the task has swallowed spoils its whole transaction on PostgreSQL, so nothing is committed:"
    " let it raise, or do what may fail in session.begin_nested() or a SAVEPOINT"
)


class Loan:
    """One transaction, begun; ended by `commit` or `give_back`.

    Parameters
    ----------
    connection: SQLAlchemy's.
    mark: what a look at the transaction must find as long as it is the same.
    returned: is told when it is over.
    """

    def __init__(self, connection: Connection, mark: Mark, returned: Callable[[Loan], object]) -> None:
        self._returned = returned
        self.connection = connection
        self._transaction = connection.begin()
        self._committed = False
        self.raw: Any = connection.connection.driver_connection
        self._mark = mark
        mark.put(connection, self.raw)

    def check(self) -> None:
        """Raise `TransactionEnded` when this is no longer the transaction that was begun."""
        if not self._transaction.is_active or not self._mark.stands(self.connection, self.raw):
            raise TransactionEnded

    def check_sound(self) -> None:
        """Raise `TransactionEnded` when an SQL error that the task swallowed has undone the transaction."""
        if self._mark.broken(self.raw):
            raise TransactionEnded(SWALLOWED)

    def commit(self) -> None:
        """Commit, and return the connection."""
        self._mark.lift(self.raw)
        try:
            self._transaction.commit()
            self._committed = True
        finally:
            self.give_back()

    def give_back(self) -> None:
        """Undo what is not committed, and return the connection.

        By the driver itself: SQLAlchemy takes a transaction for over whose end was refused.
        """
        if self.connection.closed:
            return
        self._mark.lift(self.raw)
        try:
            if not self._committed:
                self.raw.rollback()
        except Exception:  # noqa: BLE001 - it is broken, and the server undoes the rest
            self.connection.invalidate()
        finally:
            self.connection.close()
            self._returned(self)


class Mark:
    """Keeps a transaction from being ended, on a server."""

    def __init__(self) -> None:
        self._word = str(uuid.uuid4())

    def put(self, connection: Connection, raw: Any) -> None:
        """Write something into the transaction that ends with it, and refuse the usual ways to end it."""
        connection.exec_driver_sql(f"SELECT set_config('{MARK}', %s, true)", (self._word,))
        raw.commit = raw.rollback = _refuse

    def stands(self, connection: Connection, _: Any) -> bool:
        """Whether it is still there."""
        return bool(connection.exec_driver_sql(f"SELECT current_setting('{MARK}', true)").scalar() == self._word)

    def broken(self, raw: Any) -> bool:
        """Whether the server takes nothing more in it, after an error."""
        return bool(raw.info.transaction_status.name == "INERROR")

    def lift(self, raw: Any) -> None:
        """Let the transaction be ended."""
        vars(raw).pop("commit", None)
        vars(raw).pop("rollback", None)


class GuardedCursor(sqlite3.Cursor):
    """Says of a denied COMMIT or ROLLBACK what is wrong with it, where SQLite says that it is not authorized."""

    connection: GuardedConnection

    def execute(self, *args: Any) -> Self:
        """Execute one statement."""
        return self._tried(super().execute, args)

    def executescript(self, *args: Any) -> Self:
        """Execute several, after a COMMIT."""
        return self._tried(super().executescript, args)

    def _tried(self, call: Callable[..., object], args: tuple[Any, ...]) -> Self:
        self.connection.denied = False
        try:
            call(*args)
        except sqlite3.DatabaseError:
            if self.connection.denied:
                raise TransactionEnded from None
            raise
        return self


class GuardedConnection(sqlite3.Connection):
    """A connection to a file whose transactions may be kept from being ended."""

    kept = False
    denied = False

    def cursor(self, factory: Any = GuardedCursor) -> Any:
        """Return a cursor."""
        return super().cursor(factory)

    def execute(self, *args: Any) -> Any:
        """Execute one statement with a cursor of its own."""
        return self.cursor().execute(*args)

    def executescript(self, *args: Any) -> Any:
        """Execute several with a cursor of their own."""
        return self.cursor().executescript(*args)

    def commit(self) -> None:
        """Commit, unless a task's transaction is open."""
        if self.kept:
            _refuse()
        super().commit()

    def rollback(self) -> None:
        """Roll back, unless a task's transaction is open."""
        if self.kept:
            _refuse()
        super().rollback()

    def judge(self, action: int, what: str | None, *_: object) -> int:
        """Deny COMMIT and ROLLBACK as statements, which the two methods above do not see."""
        if not self.kept or action != sqlite3.SQLITE_TRANSACTION or what not in ("COMMIT", "ROLLBACK"):
            return sqlite3.SQLITE_OK
        self.denied = True
        return sqlite3.SQLITE_DENY


class FileMark(Mark):
    """The same on a file, where the connection itself can refuse."""

    def put(self, connection: Connection, raw: Any) -> None:  # noqa: ARG002
        """Refuse every way to end the transaction."""
        raw.kept = True

    def stands(self, connection: Connection, raw: Any) -> bool:  # noqa: ARG002
        """Whether the transaction is open."""
        return bool(raw.in_transaction)

    def broken(self, raw: Any) -> bool:  # noqa: ARG002
        """Whether nothing more is taken: an error undoes its own statement only."""
        return False

    def lift(self, raw: Any) -> None:
        """Let the transaction be ended."""
        raw.kept = False


class Lender:
    """Lends transactions on one database; its connections are its own, and made when they are first needed.

    Parameters
    ----------
    shared: an engine of the app's own, whose pool is used.
    """

    def __init__(self, url: URL, dialect: Dialect, shared: Engine | None, synchronous: str) -> None:
        self._url = url
        self._dialect = dialect
        self._engine = shared
        self._synchronous = synchronous
        self.lent: set[Loan] = set()

    def lend(self) -> Loan:
        """Begin a transaction; on a file this takes the write lock.

        Raises
        ------
        StoreUnavailable: the database cannot be reached, or stays locked.
        """
        if self._engine is None:
            self._engine = self._make()
        try:
            loan = self._begin(self._engine.connect())
        except DBAPIError as error:
            cause = error.orig or error
            raise self._dialect.translate(cause) or error from error
        self.lent.add(loan)
        return loan

    def _begin(self, connection: Connection) -> Loan:
        try:
            if not self._dialect.many_writers:
                return Loan(connection, FileMark(), self.lent.discard)
            return Loan(connection.execution_options(isolation_level="READ COMMITTED"), Mark(), self.lent.discard)
        except BaseException:
            connection.close()
            raise

    def _make(self) -> Engine:
        if not self._dialect.many_writers:
            return self._of_file()
        unprepared = {"prepare_threshold": None} if self._dialect.pooled else {}
        engine = create_engine(self._url, pool_size=5, max_overflow=1000, pool_pre_ping=True, connect_args=unprepared)
        forget_connections_after_fork(engine)
        return engine

    def _of_file(self) -> Engine:
        options = {"timeout": BUSY_SECONDS, "factory": GuardedConnection, "check_same_thread": False}
        engine = create_engine(self._url, connect_args=options, pool_size=5, max_overflow=1000)

        def opened(raw: Any, _: object) -> None:
            raw.isolation_level = None
            raw.execute(f"PRAGMA synchronous = {self._synchronous}")
            raw.set_authorizer(raw.judge)

        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        event.listen(engine, "connect", opened)
        event.listen(engine, "begin", begin)
        return engine

    def close(self) -> None:
        """Close the connections that are not lent."""
        if self._engine is not None:
            self._engine.dispose()


def _refuse(*_: object) -> NoReturn:
    raise TransactionEnded

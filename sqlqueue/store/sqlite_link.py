"""Our own connections to SQLite: one writer for each process, every transaction begun with BEGIN IMMEDIATE.

A deferred transaction that reads first and writes later fails at once with "database is locked" whatever the time-out
is; one that begins by taking the lock waits its turn.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import BindingError, StoreUnavailable
from sqlqueue.store.drivers import drive, over_named
from sqlqueue.store.files import holds_write_lock, why_unopenable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op

P = ParamSpec("P")
T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long to wait for other writers, seconds, before a caller is told."""

SUSPECT_SECONDS = 2.0
"""How long the lock may be held by this very process, elsewhere, before we say that nobody will release it."""

SUSPICIONS = 2
"""How often in a row that must be found, since one of ours may just begin or end when somebody looks."""

IN_MEMORY = "sqlite:///:memory:"
"""What every database in memory is called, however many there are."""


class SQLiteLink:
    """The process's two connections to one file, one that writes and one that reads; at each, threads take turns.

    Who reads need not wait behind somebody who waits for the write lock.

    Parameters
    ----------
    path: absolute path of the database file.
    synchronous: ``FULL`` (a commit survives a power cut) or ``NORMAL``.
    """

    def __init__(self, path: str, dialect: Dialect, synchronous: str = "FULL") -> None:
        self.generation = 0
        self._path = path
        self._dialect = dialect
        self._writer = _Handle(path, synchronous)
        self._reader = _Handle(path, synchronous)
        self.lends: Callable[[], bool] = lambda: False
        """Whether a transaction of this process is lent to a task, and will end."""

    def run(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in one transaction that holds the write lock."""
        return self._transact(self._writer, self._begin, verb(self._dialect, *args, **kwargs))

    def read(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads; it waits for nobody."""
        return self._transact(self._reader, _begin_reading, verb(self._dialect, *args, **kwargs))

    def _transact(self, handle: _Handle, begin: Callable[[sqlite3.Connection], object], op: Op[T]) -> T:
        with handle.mutex:
            try:
                connection = handle.connected()
                self.generation = self._writer.generation
                begin(connection)
                mine = (os.getpid(), self._path, id(handle))
                if handle is self._writer:
                    _under_way.add(mine)
                try:
                    value = drive(over_named(connection), op)
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                    raise
                finally:
                    _under_way.discard(mine)
            except sqlite3.Error as error:
                raise self._dialect.translate(error) or error from error
            return value

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Take the write lock, waiting for others, but not for this process's own open transaction."""
        started = monotonic()
        suspicions = 0
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                waited = monotonic() - started
                suspicions = suspicions + 1 if waited >= SUSPECT_SECONDS and self._is_held_elsewhere() else 0
                self._keep_waiting(waited, suspicions)
            else:
                return

    def _is_held_elsewhere(self) -> bool:
        """Whether this process holds the lock, in no transaction of ours: those end by themselves."""
        here = (os.getpid(), self._path)
        ours = any(one[:2] == here for one in tuple(_under_way))
        return not ours and not self.lends() and holds_write_lock(self._path, os.getpid())

    def _keep_waiting(self, waited: float, suspicions: int) -> None:
        if suspicions >= SUSPICIONS:
            message = (
                f"an open transaction of this process holds the write lock of {self._path}, so this job could never be"
                " written beside it: pass session= (or use app.using(connection)) so that it joins that transaction"
            )
            raise BindingError(message)
        if waited >= BUSY_SECONDS:
            message = (
                f"{self._path} stayed locked by another process for {waited:.0f} s: end its transaction, then try again"
            )
            raise StoreUnavailable(message)

    def cut_if_silent(self) -> float | None:
        """Return None: a file answers."""
        return None

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
        self._writer.close()

    @staticmethod
    def watch(path: str) -> sqlite3.Connection:
        """Return a connection of its own that only watches for others' commits."""
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


class _Handle:
    """One connection, and the mutex under which it is used."""

    def __init__(self, path: str, synchronous: str) -> None:
        self.mutex = threading.RLock()
        self.generation = 0
        self._path = path
        self._synchronous = synchronous
        self._connection: sqlite3.Connection | None = None
        self._owner = 0

    def connected(self) -> sqlite3.Connection:
        """Return the connection, made when first used, and anew in a child; call it with the mutex held."""
        if self._connection is None or self._owner != os.getpid():
            self._leave_parents_handle()
            self._connection = self._open()
            self._owner = os.getpid()
            self.generation += 1
        return self._connection

    def _leave_parents_handle(self) -> None:
        """Leave the parent's handle alone in a forked child: closing it would drop the parent's locks."""
        if self._connection is not None and self._owner != os.getpid():
            _left_behind.append(self._connection)

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._path, timeout=1.0, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(why_unopenable(self._path, error)) from error
        return connection

    def close(self) -> None:
        """Close the connection, if it is this process's."""
        with self.mutex:
            connection, self._connection = self._connection, None
            if connection is not None and self._owner == os.getpid():
                connection.close()


def place_of(connection: sqlite3.Connection) -> str:
    """Return the URL of the file that anybody's connection is to."""
    cursor = connection.cursor()
    cursor.row_factory = None
    try:
        (_, _, path) = cursor.execute("PRAGMA database_list").fetchone()
    finally:
        cursor.close()
    return f"sqlite:///{path}" if path else IN_MEMORY


def _begin_reading(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")


_under_way: set[tuple[int, str, int]] = set()
"""The writing transactions of ours that are under way: process, file and handle, whatever link it is of."""

_left_behind: list[sqlite3.Connection] = []
"""Handles that belong to a parent process; kept so that they are never closed here."""

"""Our own connections to PostgreSQL, through psycopg: a pool for clients, one pinned connection for a worker's loop.

psycopg itself is not imported here: SQLAlchemy's engine does, when it connects.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import ConnectionLost, StoreUnavailable
from sqlqueue.store.postgres_pooler import for_one_transaction, mind
from sqlqueue.store.postgres_transact import transact
from sqlqueue.store.postgres_wire import listen_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op

P = ParamSpec("P")
T = TypeVar("T")

# Worker connections run a handful of statements over and over: their plans are pinned, since plans that follow
# the statistics of a table that fills and empties all day flip; and no statement may wait for ever.
WORKER_SETTINGS = (
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET lock_timeout = '5s';"
    "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'"
)


# For the cycle: a claim alone need not be on disk (lost in a crash, it is only claimed again), what settles must.
ASYNCHRONOUS = (
    "; SELECT set_config('sqlqueue.durable', current_setting('synchronous_commit'), false);SET synchronous_commit = off"
)


_LOCALLY = for_one_transaction(WORKER_SETTINGS)

ANSWER_WITHIN = 20.0
LONGEST_ANSWER = 80.0
"""Seconds that a worker waits for an answer on a connection that does not break, at first and at most. The server
ends a statement by itself before the latter; a transaction that was cut off is made again."""


class PostgresPool:
    """Short visits by any thread: enqueue, look up results.

    Parameters
    ----------
    own: whether nobody else uses the engine's pool, so that a connection may come back with an answer still to come.
    """

    generation = 0

    def __init__(self, engine: Engine, dialect: Dialect, *, own: bool) -> None:
        self._engine = engine
        self._dialect = dialect
        self._own = own
        forget_connections_after_fork(engine)

    def run(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in one transaction, on a connection that was alive a moment ago.

        A verb is never run twice by itself: when a connection dies under it, nobody knows whether it was committed.
        """
        return self._visit(verb(self._dialect, *args, **kwargs))

    def read(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads; it may be run again when its connection breaks."""
        try:
            return self.run(verb, *args, **kwargs)
        except ConnectionLost:
            return self.run(verb, *args, **kwargs)

    def _visit(self, op: Op[T]) -> T:
        lent = self._connect()
        connection: Any = lent.driver_connection
        autocommit = connection.autocommit
        try:
            if not autocommit:
                connection.autocommit = True
            mind(connection, self._dialect)
            value = transact(connection, op, whisper=self._own and not self._dialect.pooled, visiting=True)
            if not autocommit:
                connection.autocommit = False
        except BaseException as error:
            meaning = self._dialect.translate(error)
            if connection.closed or isinstance(meaning, StoreUnavailable):
                lent.invalidate()
            if meaning is None:
                raise
            raise (ConnectionLost(str(meaning)) if isinstance(meaning, StoreUnavailable) else meaning) from error
        finally:
            lent.close()
        return value

    def _connect(self) -> Any:
        """Return a pooled connection whose server has not hung up while it lay in the pool."""
        try:
            while True:
                lent = self._engine.raw_connection()
                connection: Any = lent.driver_connection
                if self._own:
                    listen_out(connection)
                if not connection.closed and not _hung_up(connection):
                    return lent
                lent.invalidate()
        except Exception as error:
            meaning = self._dialect.translate(error)
            if meaning is None:
                raise
            raise meaning from error

    def cut_if_silent(self) -> float | None:
        """Return None: its visitors wait for their own answers."""
        return None

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()


def _hung_up(connection: Any) -> bool:
    """Tell whether the server has something to say on an idle connection, which is nearly always good-bye.

    A look at the socket takes microseconds, where asking the server would take a round trip.
    """
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class PostgresPinned:
    """One connection for one loop of a worker, made when first used and again after it broke.

    Parameters
    ----------
    settings: of its session; behind a pooler the worker's are made in each transaction, and commits are durable.
    """

    def __init__(self, engine: Engine, dialect: Dialect, settings: str = WORKER_SETTINGS) -> None:
        self.generation = 0
        self._engine = engine
        self._dialect = dialect
        self._settings = settings
        self._connection: Any = None
        self._mutex = threading.Lock()
        self._asked_at: float | None = None
        self._patience = ANSWER_WITHIN

    def run(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in one transaction; on a lost connection the next call makes a new one. Threads take turns."""
        with self._mutex:
            self._asked_at = monotonic()
            try:
                answer = self._run(verb(self._dialect, *args, **kwargs))
            finally:
                self._asked_at = None
            self._patience = ANSWER_WITHIN
            return answer

    def _run(self, op: Op[T]) -> T:
        try:
            if self._connection is None:
                self._connection = detached(self._engine, self._dialect, self._settings)
                self.generation += 1
            return transact(self._connection, op, opening=_LOCALLY if self._dialect.pooled else "")
        except BaseException as error:
            if self._connection is not None and self._connection.closed:
                self._connection = None
            meaning = self._dialect.translate(error)
            if meaning is None:
                raise
            self._drop()
            raise meaning from error

    def read(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads."""
        return self.run(verb, *args, **kwargs)

    def cut_if_silent(self) -> float | None:
        """Break the connection, in another thread, when no answer has come on it for too long.

        Returns the seconds that were waited, None when all is well. A server that is only slow is given twice as long
        each time.
        """
        asked_at, connection, patience = self._asked_at, self._connection, self._patience
        if asked_at is None or connection is None or (waited := monotonic() - asked_at) < patience:
            return None
        self._patience = min(2 * patience, LONGEST_ANSWER)
        hang_up(connection)
        return waited

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def hang_up(connection: Any) -> None:
    """Let whoever waits for an answer on the connection find it broken."""
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)


def detached(engine: Engine, dialect: Dialect, settings: str) -> Any:
    """Return a psycopg connection that no pool knows of, in autocommit mode, with ``settings`` if it may have any."""
    lent = engine.raw_connection()
    connection: Any = lent.driver_connection
    lent.detach()
    listen_out(connection)
    connection.autocommit = True
    mind(connection, dialect)
    if settings and not dialect.pooled:
        connection.execute(settings)
    return connection


def forget_connections_after_fork(engine: Engine) -> None:
    """A child must not speak on its parent's sockets: it starts with an empty pool."""
    known = weakref.ref(engine)

    def forget() -> None:
        found = known()
        if found is not None:
            found.dispose(close=False)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)

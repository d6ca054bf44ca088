"""Our own connections to PostgreSQL, through psycopg: a pool for clients, one pinned connection for a worker's loop.

psycopg itself is not imported here: SQLAlchemy's engine does, when it connects.
"""

from __future__ import annotations

import os
import select
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlqueue.errors import ConnectionLost, StoreUnavailable
from sqlqueue.store.postgres_pooler import for_one_transaction, mind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Batch, Op, Rows, Step

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

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Whatever the server's default is: the last statement of a release must see what was committed after the first."""

ACTIVE = 1
"""psycopg.pq.TransactionStatus.ACTIVE: a query is under way."""

PATIENCE = 5.0
"""Seconds that a server may take to answer a hint, before its connection is given up."""


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
            value = transact(connection, op, whisper=self._own)
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
                if self._own:
                    _listen_out(lent.driver_connection)
                if not _hung_up(lent.driver_connection):
                    return lent
                lent.invalidate()
        except Exception as error:
            meaning = self._dialect.translate(error)
            if meaning is None:
                raise
            raise meaning from error

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

    def run(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in one transaction; on a lost connection the next call makes a new one. Threads take turns."""
        with self._mutex:
            return self._run(verb(self._dialect, *args, **kwargs))

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

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def detached(engine: Engine, dialect: Dialect, settings: str) -> Any:
    """Return a psycopg connection that no pool knows of, in autocommit mode, with ``settings`` if it may have any."""
    lent = engine.raw_connection()
    connection: Any = lent.driver_connection
    lent.detach()
    _listen_out(connection)
    connection.autocommit = True
    mind(connection, dialect)
    if settings and not dialect.pooled:
        connection.execute(settings)
    return connection


def transact(connection: Any, op: Op[T], *, whisper: bool = False, opening: str = "") -> T:
    """Drive an operation in one transaction on an autocommit psycopg connection, in as few round trips as it allows.

    Parameters
    ----------
    whisper: hints are sent without waiting for them: whoever uses the connection next listens out first.
    opening: a statement with which the transaction begins.
    """
    begun = False
    try:
        batch = next(op)
        while True:
            single = batch.last and not begun and not opening and len(batch.steps) == 1
            if single and (whisper or not batch.after):
                answers = [_fetch(_execute(connection, batch.steps[0]))]
                for step in batch.after:
                    _whisper(connection, step)
            else:
                answers = _pipelined(connection, batch, [] if begun else [BEGIN, *([opening] if opening else [])])
                begun = not batch.last
            batch = op.send(answers)
    except StopIteration as done:
        if begun:
            connection.execute("COMMIT")
        value: T = done.value
        return value
    except BaseException:
        with suppress(Exception):
            connection.rollback()
        raise
    finally:
        op.close()


def _pipelined(connection: Any, batch: Batch, opening: Sequence[str]) -> list[Rows]:
    """Execute a batch in one round trip, with the transaction's opening and end, and the hints behind it."""
    commit = None
    try:
        with connection.pipeline():
            for words in opening:
                connection.execute(words)
            cursors = [_execute(connection, step) for step in batch.steps]
            if batch.last:
                commit = connection.execute("COMMIT")
            for step in batch.after:
                _execute(connection, step)
    except Exception:
        if not batch.after or commit is None or commit.statusmessage != "COMMIT":
            raise  # else only a hint failed, behind a commit that stands
    return [_fetch(cursor) for cursor in cursors]


def _whisper(connection: Any, step: Step) -> None:
    """Send a statement behind the last one and do not wait for its answer; see `_listen_out`."""
    text, names = step.statement.numbered
    wire = connection.pgconn
    with suppress(Exception):  # a hint: whether the connection still works, its next user will see
        wire.send_query_params(text, [str(step.params[name]).encode() for name in names])
        wire.flush()


def _listen_out(connection: Any) -> None:
    """Read the answer to the last whisper, if there was one; usually it has long come."""
    wire = connection.pgconn
    while wire.transaction_status == ACTIVE:
        if not wire.is_busy():
            wire.get_result()
        elif select.select([connection.fileno()], [], [], PATIENCE)[0]:
            wire.consume_input()
        else:
            connection.close()


def _execute(connection: Any, step: Step) -> Any:
    return connection.execute(step.statement.pyformat, step.params, prepare=True)


def _fetch(cursor: Any) -> Rows:
    """Return the rows of a statement that has any; asking for their description would make one of each column."""
    answer = cursor.pgresult
    rows: Rows = cursor.fetchall() if answer is not None and answer.nfields else []
    return rows


def forget_connections_after_fork(engine: Engine) -> None:
    """A child must not speak on its parent's sockets: it starts with an empty pool."""
    known = weakref.ref(engine)

    def forget() -> None:
        found = known()
        if found is not None:
            found.dispose(close=False)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)

"""One operation on one psycopg connection, in as few round trips as it allows."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.operation import Batch, Op, Rows, Step

T = TypeVar("T")

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Whatever the server's default is: the last statement of a release must see what was committed after the first."""

ACTIVE = 1
"""psycopg.pq.TransactionStatus.ACTIVE: a query is under way."""

PATIENCE = 5.0
"""Seconds that a server may take to answer a hint, before its connection is given up."""


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
    """Send a statement behind the last one and do not wait for its answer; see `listen_out`."""
    text, names = step.statement.numbered
    wire = connection.pgconn
    with suppress(Exception):  # a hint: whether the connection still works, its next user will see
        wire.send_query_params(text, [str(step.params[name]).encode() for name in names])
        wire.flush()


def listen_out(connection: Any) -> None:
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

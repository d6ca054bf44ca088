"""One operation on one psycopg connection, in as few round trips as it allows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlqueue.store.postgres_wire import forget_prepared, say, speaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.operation import Batch, Op, Rows, Step

T = TypeVar("T")

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Whatever the server's default is: the last statement of a release must see what was committed after the first."""


IDLE = 0
"""psycopg's word for a connection with no transaction."""

BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"
"""For one transaction. A server keeps the plan of a prepared statement until statistics change, which on a table
that fills from empty takes a minute: read as a whole, 400,000 results cost 30 ms for each look at one of them. Where
there is no index, the plan is thought to cost so much that it would be compiled first, for seconds."""


def transact(connection: Any, op: Op[T], *, whisper: bool = False, opening: str = "", visiting: bool = False) -> T:
    """Drive an operation in one transaction on an autocommit psycopg connection, in as few round trips as it allows.

    Parameters
    ----------
    whisper: a statement that is alone may go over the wire itself, and its hints are not waited for: whoever uses the
        connection next listens out first, with `listen_out`.
    opening: a statement with which the transaction begins.
    visiting: the connection's settings are not ours, so that statements to be planned by index need theirs.
    """
    begun = False
    try:
        batch = next(op)
        while True:
            words = [] if begun else [BEGIN, *([opening] if opening else [])]
            if visiting and any(step.statement.by_index for step in batch.steps):
                words.append(BY_INDEX)
            single = batch.last and words == [BEGIN] and len(batch.steps) == 1
            if single and whisper and speaks(connection, batch.steps[0]):
                answers = [say(connection, batch.steps[0], batch.after)]
            elif single and not batch.after:
                answers = [_fetch(_execute(connection, batch.steps[0]))]
            else:
                answers = _pipelined(connection, batch, words)
                begun = not batch.last
            batch = op.send(answers)
    except StopIteration as done:
        if begun:
            connection.execute("COMMIT")
        value: T = done.value
        return value
    except BaseException:
        if connection.info.transaction_status != IDLE:
            with suppress(Exception):
                connection.rollback()  # which deallocates all that is prepared
            forget_prepared(connection)
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


def _execute(connection: Any, step: Step) -> Any:
    return connection.execute(step.statement.pyformat, step.params, prepare=True)


def _fetch(cursor: Any) -> Rows:
    """Return the rows of a statement that has any; asking for their description would make one of each column."""
    answer = cursor.pgresult
    rows: Rows = cursor.fetchall() if answer is not None and answer.nfields else []
    return rows

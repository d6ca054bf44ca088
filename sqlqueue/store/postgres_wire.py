"""One statement, and the hints behind it, in one flush over the wire protocol itself.

A lonely `delay()` is mostly waiting: for the statement's way to the server, its commit, the answer's way back, and
then for the hint's way. In libpq's pipeline mode the hint is there already when the commit is done, so the server goes
on to it before anybody had to wake up. psycopg's own pipeline would wait for the hint's answer too.
"""

from __future__ import annotations

import itertools
import select
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.operation import Rows, Statement, Step

PATIENCE = 5.0
"""Seconds that a server may take to answer a hint, before its connection is given up."""

# Of libpq: a broken connection, pipeline mode that is off, what a result may be, and where an error has its code.
BAD = 1
OFF = 0
DONE = (1, 2)
SYNC = 10
SQLSTATE = 67

UNPREPARED = b"26000"
"""The code of a statement that is prepared no longer: psycopg's own rollbacks, among others, deallocate all of them."""

INTEGERS = (20, 21, 23)
"""The types bigint, smallint and integer."""

_names: weakref.WeakKeyDictionary[Any, dict[Statement, bytes]] = weakref.WeakKeyDictionary()
"""What is prepared on each connection, and under which name."""

_numbers = itertools.count(1)


def speaks(connection: Any, step: Step) -> bool:
    """Whether a statement can go this way: it is made for it, and text is what it is to Python."""
    return step.statement.bare and connection.info.encoding == "utf-8"


def say(connection: Any, step: Step, hints: Sequence[Step]) -> Rows:
    """Execute a statement in a transaction of its own, and send the hints behind it without waiting for their answers.

    Whoever uses the connection next must `listen_out` first. Whatever goes wrong here but the statement itself leaves a
    broken connection behind: nobody would know which answer comes next on it.

    Parameters
    ----------
    connection: of psycopg, in autocommit mode, with nothing under way.

    Raises
    ------
    psycopg.Error: as a cursor would.
    """
    wire = connection.pgconn
    names = _names.setdefault(connection, {})
    known = len(names)
    try:
        wire.enter_pipeline_mode()
        _send(wire, names, step)
        wire.pipeline_sync()
        for hint in hints:
            _send(wire, names, hint)
        if hints:
            wire.pipeline_sync()
        _flush(connection)
        answers = _until_sync(connection)
        if not hints:
            wire.exit_pipeline_mode()
    except BaseException:
        connection.close()
        raise
    for answer in answers:
        if answer.status not in DONE:
            for statement in list(names)[known:]:  # perhaps it could not even be prepared
                del names[statement]
            listen_out(connection)
            if known and answer.error_field(SQLSTATE) == UNPREPARED:  # nothing was done: once more, all prepared anew
                forget_prepared(connection)
                return say(connection, step, hints)
            raise _error(wire, answer)
    return _rows(answers[-1])


def forget_prepared(connection: Any) -> None:
    """Prepare each statement anew that the connection sees next."""
    _names.pop(connection, None)


def listen_out(connection: Any) -> None:
    """Read the answers to the last hints, if there were any; usually they have long come."""
    wire = connection.pgconn
    try:
        while wire.pipeline_status != OFF:
            if any(answer.status not in DONE for answer in _until_sync(connection, PATIENCE)):
                forget_prepared(connection)  # perhaps that was what it lacked
            wire.exit_pipeline_mode()
    except Exception:  # noqa: BLE001 - a hint: its answer is nobody's concern, but a connection without it is of no use
        connection.close()


def _send(wire: Any, names: dict[Statement, bytes], step: Step) -> None:
    """Send a statement, which is prepared when a connection sees it for the first time."""
    text, places = step.statement.numbered
    values = [_written(step.params[place]) for place in places]
    name = names.get(step.statement)
    if name is None:
        name = names[step.statement] = b"sqlqueue_%d" % next(_numbers)
        wire.send_prepare(name, text)
    wire.send_query_prepared(name, values)


def _written(value: object) -> bytes | None:
    """Return a value as the server reads it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return b"t" if value else b"f"
    text = str(value).encode()
    if b"\0" in text:
        raise ValueError("PostgreSQL's text has no NUL characters")
    return text


def _flush(connection: Any) -> None:
    """Send everything, and read what comes meanwhile, so that the two sides never wait for each other."""
    while connection.pgconn.flush():
        if _wait(connection, writing=True):
            connection.pgconn.consume_input()


def _until_sync(connection: Any, patience: float | None = None) -> list[Any]:
    """Return the answers up to the end of the transaction, waiting so many seconds for each."""
    wire = connection.pgconn
    answers: list[Any] = []
    while True:
        while wire.status != BAD and wire.is_busy():
            if not _wait(connection, patience):
                raise TimeoutError
            with suppress(Exception):  # then it is broken, and the next answer says why
                wire.consume_input()
        answer = wire.get_result()
        if answer is None:  # between two statements, or for ever
            if wire.status == BAD:
                if answers and answers[-1].status not in DONE:
                    return answers  # its last words say why
                raise _broken(wire)
        elif answer.status == SYNC:
            return answers
        else:
            answers.append(answer)


def _wait(connection: Any, patience: float | None = None, *, writing: bool = False) -> bool:
    """Wait until something can be read, or written; return whether it can be read."""
    place = connection.fileno()
    if not hasattr(select, "poll"):
        return bool(select.select([place], [place] if writing else [], [], patience)[0])
    poll = select.poll()
    poll.register(place, select.POLLIN | (select.POLLOUT if writing else 0))
    found = poll.poll(None if patience is None else patience * 1000)
    return any(event & ~select.POLLOUT for _, event in found)


def _rows(answer: Any) -> Rows:
    columns = range(answer.nfields)
    reading = [int if answer.ftype(column) in INTEGERS else _text for column in columns]
    return [
        tuple(
            None if (value := answer.get_value(row, column)) is None else reading[column](value) for column in columns
        )
        for row in range(answer.ntuples)
    ]


def _text(value: bytes) -> str:
    return value.decode()


def _error(wire: Any, answer: Any) -> Exception:
    from psycopg.errors import error_from_result  # noqa: PLC0415 - loaded already, by whoever connected

    if wire.status == BAD and answer.error_field(SQLSTATE) is None:
        return _broken(wire)
    error: Exception = error_from_result(answer)
    return error


def _broken(wire: Any) -> Exception:
    from psycopg import OperationalError  # noqa: PLC0415

    return OperationalError(wire.error_message.decode(errors="replace").strip() or "the connection is lost")

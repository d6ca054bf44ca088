"""Give back to the disk what the jobs table holds no more: for a table that a flood has left large and empty.

In good order there is no need: room that jobs leave is used by the next ones. After a flood of millions it is still
there, and whatever reads the whole table, an operator's count or a rescue, reads all of it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.urls import engine_for, parse_url, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection

FEW = 10_000
"""Rows in a table that counts as nearly empty: rewriting them takes milliseconds."""

LARGE = 32 << 20
"""Bytes from which on there is something to win."""

WORTH_IT = 0.5
"""Part of a file, which holds the results too, that must be empty before all of it is rewritten."""

PATIENCE = 0.05
"""Seconds that the rewriting waits for its lock: whoever comes after it waits behind it."""

TRIES = 40
PAUSE = 0.25
"""How often it is tried, and seconds between two tries."""


class Compacted(NamedTuple):
    """Bytes before and after; ``why_not`` when nothing was done."""

    before: int
    after: int
    why_not: str | None = None


class _Way(NamedTuple):
    """How one database does it: the bytes that are there, why it had better not be done, and doing it."""

    size: Callable[[Connection, str], int]
    why_not: Callable[[Connection, str], str | None]
    rewrite: Callable[[Connection, str], None]


def compact(url: str | URL, schema: str | None = None, *, force: bool = False) -> Compacted:
    """Rewrite the jobs table (a file: all of it) if it is large and nearly empty.

    Parameters
    ----------
    schema: where the tables are, if not where the connection looks.
    force: do it in any case; workers and senders wait as long as it takes.

    Raises
    ------
    StoreUnavailable: the database cannot be reached, or others did not let go of the table.
    """
    engine = engine_for(parse_url(url)).execution_options(isolation_level="AUTOCOMMIT")
    table = "sqlqueue_jobs" if schema is None else '"' + schema.replace('"', '""') + '".sqlqueue_jobs'
    try:
        with engine.connect() as connection:
            way = _TABLE if connection.dialect.name == "postgresql" else _FILE
            before = way.size(connection, table)
            why_not = None if force else way.why_not(connection, table)
            if why_not is not None:
                return Compacted(before, before, why_not)
            _patiently(lambda: way.rewrite(connection, table))
            return Compacted(before, way.size(connection, table))
    except DBAPIError as error:
        words = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        raise StoreUnavailable(f"cannot compact the jobs in {show(parse_url(url))}: {words}") from error
    finally:
        engine.dispose()


def _patiently(rewrite: Callable[[], object]) -> None:
    """Try until the lock is had: a moment each time, since whoever comes later waits behind who waits for it."""
    for _ in range(TRIES):
        with suppress(DBAPIError):
            rewrite()
            return
        threading.Event().wait(PAUSE)
    rewrite()


def _table_size(connection: Connection, table: str) -> int:
    """Return the bytes of the table with its indexes."""
    return _number(connection, "SELECT pg_total_relation_size(CAST(:it AS regclass))", it=table)


def _why_not_table(connection: Connection, table: str) -> str | None:
    if _table_size(connection, table) < LARGE:
        return f"the table is smaller than {LARGE >> 20} MB"
    if _number(connection, f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {FEW + 1}) AS few") > FEW:  # noqa: S608
        return f"it holds more than {FEW:,} jobs, and everybody would wait while they are written anew"
    return None


def _rewrite_table(connection: Connection, table: str) -> None:
    """Cut off the empty end, which takes no lock to speak of, then write the rest and its indexes anew.

    Raises
    ------
    StoreUnavailable: the table is somebody else's; the server would only warn, and do nothing.
    """
    owned = "SELECT CAST(pg_has_role(relowner, 'USAGE') AS integer) FROM pg_class WHERE oid = CAST(:it AS regclass)"
    if not _number(connection, owned, it=table):
        raise StoreUnavailable(f"only the owner of {table} may compact it: connect as the role that ran the migrations")
    connection.execute(text(f"SET lock_timeout = '{int(PATIENCE * 1000)}ms'"))
    connection.execute(text(f"VACUUM {table}"))
    connection.execute(text(f"VACUUM FULL {table}"))


def _file_size(connection: Connection, _: str) -> int:
    return _number(connection, "PRAGMA page_count") * _number(connection, "PRAGMA page_size")


def _why_not_file(connection: Connection, table: str) -> str | None:
    empty = _number(connection, "PRAGMA freelist_count") * _number(connection, "PRAGMA page_size")
    if empty < LARGE:
        return f"the file has less than {LARGE >> 20} MB of empty pages"
    if empty < WORTH_IT * _file_size(connection, table):
        return "most of the file is in use, and everybody would wait while it is written anew"
    return None


def _rewrite_file(connection: Connection, _: str) -> None:
    connection.execute(text(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}"))
    connection.execute(text("VACUUM"))
    connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _number(connection: Connection, sql: str, **params: str) -> int:
    return int(connection.execute(text(sql), params).scalar_one())


_TABLE = _Way(_table_size, _why_not_table, _rewrite_table)
_FILE = _Way(_file_size, _why_not_file, _rewrite_file)

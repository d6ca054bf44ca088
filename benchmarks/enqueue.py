"""How fast jobs are sent: one by one with a commit each, and many at a time.

The limits are a plain autocommit INSERT of the same row, and COPY (on SQLite: one transaction) of the same rows.
"""

import time
from collections.abc import Callable, Iterator

from sqlqueue import group

from . import raw_postgres, raw_sqlite
from .figures import Sample
from .ground import Database
from .sender import sender
from .tasks import add

CHUNK = 1000  # jobs in one commit

RAW = {"postgres": raw_postgres, "sqlite": raw_sqlite}

GROUP = "group of 10,000, one commit"
MEMBERS = 10_000  # calls in one group

RAW_ONE, ONE = "raw insert, one commit each", "delay(), one commit each"
RAW_MANY, MANY = {"postgres": "raw COPY", "sqlite": "raw insert, one commit"}, f"send_many, {CHUNK:,} a commit"


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    raw = RAW[database.name]
    few, many = (500, 10_000) if quick else (5_000, 100_000)
    yield Sample(RAW_ONE, _timed(database, few, raw.insert_one_by_one))
    yield Sample(ONE, _timed(database, few, send_one_by_one), limit=RAW_ONE)
    bulk = RAW_MANY[database.name]
    yield Sample(bulk, _timed(database, many, raw.copy_in))
    yield Sample(MANY, _timed(database, many, send_bulk), limit=bulk)
    yield Sample(GROUP, _timed(database, many, _send_groups), limit=bulk)


def _timed(database: Database, count: int, send: Callable[[str, int], None]) -> float:
    """Return rows a second, connecting included; asserts that all rows are there."""
    with database.fresh() as url:
        started = time.perf_counter()
        send(url, count)
        seconds = time.perf_counter() - started
        assert database.ask(url, "SELECT count(*) FROM sqlqueue_jobs WHERE state = 'ready'") == [(count,)]
    return count / seconds


def send_one_by_one(url: str, count: int) -> None:
    with sender(url):
        for i in range(count):
            add.delay(i, i)


def send_bulk(url: str, count: int) -> None:
    """Send chunk by chunk, each in a transaction of its own."""
    with sender(url):
        for first in range(0, count, CHUNK):
            add.send_many([(i, i) for i in range(first, min(first + CHUNK, count))])


def _send_groups(url: str, count: int) -> None:
    with sender(url):
        for first in range(0, count, MEMBERS):
            group(add.s(i, i) for i in range(first, min(first + MEMBERS, count))).apply_async()

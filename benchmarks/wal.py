"""Bytes of write-ahead log that a job costs from its enqueue to its stored result: in bulk, and one by one.

PostgreSQL only. In bulk the jobs are sent first and then drained; one by one a worker waits for each. Counted is all
that the server writes meanwhile, the worker's heartbeats too; a checkpoint stands before it, none is in between.
"""

from collections.abc import Callable, Iterator

from .enqueue import send_bulk, send_one_by_one
from .figures import Sample
from .ground import Database
from .workers import FASTEST, workers

PATIENCE = 120.0  # seconds
DONE = "SELECT count(*) >= {count} FROM sqlqueue_results"


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    if database.name != "postgres":
        return
    few, many = (500, 5_000) if quick else (5_000, 100_000)
    yield Sample("WAL a job, bulk", _written(database, many, _bulk), "B")
    yield Sample("WAL a job, one by one", _written(database, few, _one_by_one), "B")


def _written(database: Database, count: int, run: Callable[[Database, str, int], None]) -> float:
    with database.fresh() as url:
        database.settle_down(url)
        ((before,),) = database.ask(url, "SELECT pg_current_wal_lsn()")
        run(database, url, count)
        ((bytes_,),) = database.ask(url, f"SELECT pg_current_wal_lsn() - '{before}'::pg_lsn")
        assert database.ask(url, "SELECT count(*) FROM sqlqueue_results") == [(count,)]
    return float(bytes_) / count


def _bulk(database: Database, url: str, count: int) -> None:
    send_bulk(url, count)
    pool, usual = FASTEST[database.name]
    with workers(database, url, pool, usual) as crew:
        crew.wait_for(DONE.format(count=count), PATIENCE, 0.2)


def _one_by_one(database: Database, url: str, count: int) -> None:
    pool, _ = FASTEST[database.name]
    with workers(database, url, pool) as crew:
        crew.wait_until_started()
        send_one_by_one(url, count)
        crew.wait_for(DONE.format(count=count), PATIENCE, 0.2)

"""Where the microseconds of a drained job go: processor time of worker and server, and the server's time by statement.

PostgreSQL only, on a server of its own with `pg_stat_statements`, which costs a little: the rates here are no drain.
For our own code, line by line: `py-spy record --native -p PID` on a worker while `python -m benchmarks drain` runs.
"""

from collections.abc import Iterator

from sqlqueue.testing.processes import processor_seconds
from sqlqueue.testing.server import PostgresServer

from .drain import PATIENCE
from .figures import Sample
from .filling import fill, job_id, rate
from .ground import Database, Postgres
from .workers import POOLS, workers

COUNT, QUICK = 150_000, 3_000  # jobs
SETTINGS = {"shared_preload_libraries": "pg_stat_statements", "track_io_timing": "on"}

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

# A job is claimed by the one statement that updates many jobs, and settled by the one that deletes them.
STATEMENTS = """
SELECT CASE WHEN query ILIKE '%delete from sqlqueue_jobs%' THEN 'settle'
            WHEN query ILIKE '%update sqlqueue_jobs%' THEN 'claim' ELSE 'others' END AS verb,
       sum(total_exec_time) * 1000, sum(wal_bytes), sum(calls)
  FROM pg_stat_statements WHERE query ILIKE '%sqlqueue_%' AND query NOT ILIKE '%count(*)%' GROUP BY 1
"""


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    if not isinstance(database, Postgres):
        return
    count = QUICK if quick else COUNT
    try:
        with PostgresServer(durable=True, settings=SETTINGS) as server:
            ground = Postgres(server)
            for pool in POOLS:
                yield from _profile(ground, pool, count)
    except RuntimeError as reason:
        if "pg_stat_statements" not in str(reason):
            raise
        print("not measured: profile: the server does not offer pg_stat_statements", flush=True)


def _profile(ground: Postgres, pool: str, count: int) -> Iterator[Sample]:
    with ground.fresh() as url, workers(ground, url, pool) as crew:
        crew.wait_until_started()
        start = processor_seconds(crew.pids)  # imports, mostly, which the drained jobs have no part in
    with ground.fresh() as url:
        ground.ask(url, "CREATE EXTENSION pg_stat_statements")
        fill(ground, url, count)
        ground.settle_down(url)
        ground.ask(url, "SELECT pg_stat_statements_reset()")
        with workers(ground, url, pool) as crew:
            crew.wait_until_drained(job_id(count - 1), count, PATIENCE)
            spent = {"worker": processor_seconds(crew.pids) - start, "its server processes": _servers(ground, url)}
        yield Sample(f"wall, {pool}", 1e6 / rate(ground, url, count), "us")
        for what, seconds in spent.items():
            yield Sample(f"processor of {what}, {pool}", seconds / count * 1e6, "us")
        for verb, microseconds, wal, _ in sorted(ground.ask(url, STATEMENTS)):
            yield Sample(f"server, {verb}, {pool}", float(microseconds) / count, "us")
            yield Sample(f"WAL, {verb}, {pool}", float(wal) / count, "B")


def _servers(ground: Postgres, url: str) -> float:
    return processor_seconds([pid for (pid,) in ground.ask(url, BACKENDS)])

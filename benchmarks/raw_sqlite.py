"""The limit on SQLite: what a plain sqlite3 script can do with the same rows, and no queue code.

As a script: `python -m benchmarks.raw_sqlite URL BATCH` drains.
"""

import contextlib
import json
import sqlite3
import sys
import uuid
from collections.abc import Generator, Iterator

from .filling import jobs
from .tasks import QUEUE

NOW = "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')"

CLAIM = f"""
UPDATE sqlqueue_jobs SET state = 'running', attempt = attempt + 1, claim_token = claim_token + 1, worker = ?,
       claimed_at = {NOW}
 WHERE rowid IN (SELECT rowid FROM sqlqueue_jobs
                  WHERE queue = 'bench' AND priority = 0 AND seq IS NOT NULL AND limits IS NULL
                    AND state = 'ready' ORDER BY seq LIMIT ?)
RETURNING id
"""

SETTLE = f"""
INSERT INTO sqlqueue_results (id, queue, priority, state, task, args, kwargs, headers, created_at, run_at, claimed_at,
                              finished_at, attempt, retries, crashes, claim_token, worker, result)
SELECT id, queue, priority, 'succeeded', task, args, kwargs, headers, created_at, run_at, claimed_at, {NOW},
       attempt, retries, crashes, claim_token, worker, '0'
  FROM sqlqueue_jobs WHERE id IN (SELECT value FROM json_each(?))
"""

DELETE = "DELETE FROM sqlqueue_jobs WHERE id IN (SELECT value FROM json_each(?))"

INSERT = """
INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs) VALUES (?, ?, ?, 'ready', ?, ?, ?)
"""


@contextlib.contextmanager
def connect(url: str) -> Iterator[sqlite3.Connection]:
    path = url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        yield connection


def drain(url: str, batch: int) -> None:
    """Claim and settle until nothing is left: two transactions a batch."""
    worker = str(uuid.uuid4())
    with connect(url) as connection:
        while True:
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute(CLAIM, (worker, batch)).fetchall()
            connection.execute("COMMIT")
            if not rows:
                return
            ids = json.dumps([id_ for (id_,) in rows])
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(SETTLE, (ids,))
            connection.execute(DELETE, (ids,))
            connection.execute("COMMIT")


def insert_one_by_one(url: str, count: int) -> None:
    """Insert row by row, each with a commit of its own."""
    for _ in inserting(url, count):
        pass


def inserting(url: str, count: int) -> Generator[None, None, None]:
    """Do the same step by step."""
    with connect(url) as connection:
        for seq, job in enumerate(jobs(0, count), 1):
            connection.execute(INSERT, (job.id, seq, QUEUE, job.task, job.args, job.kwargs))
            yield


def copy_in(url: str, count: int) -> None:
    """Insert all rows in one transaction."""
    with connect(url) as connection:
        connection.execute("BEGIN IMMEDIATE")
        rows = ((job.id, seq, QUEUE, job.task, job.args, job.kwargs) for seq, job in enumerate(jobs(0, count), 1))
        connection.executemany(INSERT, rows)
        connection.execute("UPDATE sqlqueue_counters SET value = ? WHERE name = 'seq'", (count,))
        connection.execute("COMMIT")


if __name__ == "__main__":
    drain(sys.argv[1], int(sys.argv[2]))

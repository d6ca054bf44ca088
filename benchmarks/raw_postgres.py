"""The limit on PostgreSQL: what a plain psycopg script can do with the same rows, and no queue code.

As a script: `python -m benchmarks.raw_postgres URL BATCH` drains; several may run at a time.
"""

import sys
import uuid
from collections.abc import Generator

import psycopg

from .filling import jobs
from .tasks import QUEUE

PLANS = """
SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off;
SET enable_hashjoin = off; SET enable_mergejoin = off
"""

CLAIM = """
UPDATE sqlqueue_jobs SET state = 'running', attempt = attempt + 1, claim_token = claim_token + 1, worker = %s,
       claimed_at = clock_timestamp()
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM sqlqueue_jobs
                        WHERE queue = 'bench' AND priority = 0 AND seq > %s AND limits IS NULL AND state = 'ready'
                        ORDER BY seq LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id, seq
"""

SETTLE = """
WITH gone AS (
    DELETE FROM sqlqueue_jobs j USING unnest(CAST(%s AS text[]), CAST(%s AS text[])) AS x(id, result)
     WHERE j.id = x.id RETURNING j.*, x.result)
INSERT INTO sqlqueue_results (id, queue, priority, state, task, args, kwargs, headers, created_at, run_at, claimed_at,
                              finished_at, attempt, retries, crashes, claim_token, worker, result)
SELECT id, queue, priority, 'succeeded', task, args, kwargs, headers, created_at, run_at, claimed_at,
       clock_timestamp(), attempt, retries, crashes, claim_token, worker, CAST(result AS json) FROM gone
"""

INSERT = """
INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs)
VALUES (%s, nextval('sqlqueue_jobs_seq'), %s, 'ready', %s, %s, %s)
"""

COPY = "COPY sqlqueue_jobs (id, seq, queue, state, task, args, kwargs) FROM STDIN"


def drain(url: str, batch: int) -> None:
    """Claim and settle until nothing is left: two statements and two commits a batch."""
    worker, seen = uuid.uuid4(), 0
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        connection.execute(PLANS, prepare=False)
        while rows := connection.execute(CLAIM, (worker, seen, batch)).fetchall():
            seen = max(seq for _, seq in rows)
            connection.execute(SETTLE, ([id_ for id_, _ in rows], ["0"] * len(rows)))


def insert_one_by_one(url: str, count: int) -> None:
    """Insert row by row, each with a commit of its own."""
    for _ in inserting(url, count):
        pass


def inserting(url: str, count: int) -> Generator[None, None, None]:
    """Do the same step by step."""
    with psycopg.connect(url, autocommit=True) as connection:
        for job in jobs(0, count):
            connection.execute(INSERT, (job.id, QUEUE, job.task, job.args, job.kwargs))
            yield


def copy_in(url: str, count: int) -> None:
    """Copy all rows in one transaction."""
    with psycopg.connect(url) as connection:
        with connection.cursor().copy(COPY) as copy:
            for seq, job in enumerate(jobs(0, count), 1):
                copy.write_row((job.id, seq, QUEUE, "ready", job.task, job.args, job.kwargs))
        connection.execute("SELECT setval('sqlqueue_jobs_seq', %s)", (count,))


if __name__ == "__main__":
    drain(sys.argv[1], int(sys.argv[2]))

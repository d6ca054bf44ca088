"""PostgreSQL: the plans of what clients ask all day, on connections whose settings are not ours.

A plan that was made while a table was empty is kept until statistics change; nobody analyses here.
"""

import psycopg
import pytest

from sqlqueue import SQLQueue
from sqlqueue.store.operation import Statement, ask_last
from sqlqueue.store.ops.results import finished, look_up

OFTEN = 12
"""Looks after which the driver has prepared a statement, and the server has settled on a plan."""

RESULTS = """
INSERT INTO sqlqueue_results (id, queue, priority, state, task, args, kwargs, created_at, finished_at, attempt,
                              retries, crashes, claim_token)
SELECT 'r' || n, 'testq', 0, 'succeeded', 't', '[]', '{}', now(), now(), 1, 0, 0, 1 FROM generate_series(1, 20000) n
"""
JOBS = """
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, acks_late, max_crashes)
SELECT 'j' || n, n, 'testq', 0, 'ready', 't', '[]', '{}', true, 3 FROM generate_series(1, 20000) n
"""
WHOLE_READS = """
SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables
 WHERE relname LIKE 'sqlqueue_results%%' OR relname IN ('sqlqueue_jobs', 'sqlqueue_told')
"""


def flush(_):
    yield from ask_last(Statement("SELECT pg_stat_force_next_flush()"))
    yield from ask_last(Statement("SELECT 1"))


@pytest.fixture
def app(postgres_url):
    app = SQLQueue("plans", broker=postgres_url)
    yield app
    app.close()


def test_looks_at_results_never_read_whole_tables(app, postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as other:
        for table in ("sqlqueue_jobs", "sqlqueue_results"):
            other.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)") if table == "sqlqueue_jobs" else None
        for _ in range(OFTEN):
            app.store.read(look_up, "nobody")
            app.store.read(finished, ["nobody", "no one"])
        other.execute(RESULTS)
        other.execute(JOBS)
        app.store.read(flush)
        before = other.execute(WHOLE_READS).fetchone()
        for number in range(1, OFTEN):
            assert app.store.read(look_up, f"r{number}") is not None
            assert app.store.read(look_up, f"j{number}") is not None
            assert len(app.store.read(finished, [f"r{n}" for n in range(1000)])) == 999
        app.store.read(flush)
        assert other.execute(WHOLE_READS).fetchone() == before

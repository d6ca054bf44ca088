"""PostgreSQL: the plans of what clients ask all day, on connections whose settings are not ours.

A plan that was made while a table was empty is kept until statistics change; nobody analyses here.
"""

import psycopg
import pytest

from sqlqueue import SQLQueue
from sqlqueue.domain.which import Which
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
SELECT relname, seq_scan FROM pg_stat_user_tables
 WHERE relname LIKE 'sqlqueue_results%%' OR relname IN ('sqlqueue_jobs', 'sqlqueue_dependencies') ORDER BY relname
"""


def flush(_):
    yield from ask_last(Statement("SELECT pg_stat_force_next_flush()"))
    yield from ask_last(Statement("SELECT 1"))


@pytest.fixture
def app(postgres_url):
    app = SQLQueue("plans", broker=postgres_url)
    yield app
    app.close()


def looks(app, ids):
    """Do once with each of these jobs what clients do all day with one."""
    for job_id in ids:
        app.store.read(look_up, job_id)
        app.store.read(finished, [job_id, "no one"])
        result = app.AsyncResult(job_id)
        result.children  # noqa: B018 - it asks
        result.parent  # noqa: B018 - it asks
        app.jobs.show(job_id)
        app.jobs.revoke(Which(ids=[job_id]))
        app.jobs.retry(Which(ids=[f"not {job_id}"]))
        app.send_task("t", task_id=job_id)


def test_looks_at_one_job_never_read_whole_tables(app, postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as other:
        looks(app, ["nobody"] * OFTEN)
        other.execute(RESULTS)
        other.execute(JOBS)
        app.store.read(flush)
        before = other.execute(WHOLE_READS).fetchall()
        looks(app, [*(f"r{n}" for n in range(1, OFTEN)), *(f"j{n}" for n in range(1, OFTEN))])
        assert len(app.store.read(finished, [f"r{n}" for n in range(1000)])) == 999
        app.store.read(flush)
        assert other.execute(WHOLE_READS).fetchall() == before

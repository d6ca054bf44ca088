"""PostgreSQL: jobs without limits pay nothing for those with limits, whose statements walk indexes too."""

import re

import psycopg
import pytest

from sqlqueue.domain.quota import Quota, read_limits, write_limits
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.claim import claim_step
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.grant import LimitedLane, ensure_limits, grant
from tests.plans.test_plans import DIALECT, explaining, scans
from tests.support.jobs import ME, QUEUE, lane, new_job
from tests.support.runners import ROW
from tests.support.statistics import updates

ACME = write_limits([("key:acme", Quota(500))])
ONE = '[{"n": 0, "queue": "testq", "limits": "2 key:acme", "priority": 0, "at_most": 5}]'

LIMITED = {
    "limited_lanes": {"queues": '[{"queue": "testq", "after": ""}]', "at_most": 10},
    "limited_heads": {"lanes": ONE, "shunned": "[]"},
    "plain_heads": {"lanes": ONE, "shunned": "[]"},
    "lock_limits": {"names": '["key:acme"]'},
    "limit_uses": {"asked": '[{"name": "key:acme", "seconds": 0}]'},
    "sweep_slots": {"names": '["key:acme"]'},
    "claim_heads": {"ids": '["x"]', "worker": ME},
}


@pytest.fixture
def url(postgres_url):
    """2,000 limited jobs behind as many that are not; no ANALYZE."""
    with psycopg.connect(postgres_url) as connection:
        execute = over_pyformat(connection, ROW)
        drive(execute, enqueue(DIALECT, [new_job() for _ in range(2000)]))
        drive(execute, enqueue(DIALECT, [new_job(limits=ACME) for _ in range(2000)]))
    return postgres_url


@pytest.mark.parametrize("verb", LIMITED)
def test_no_table_is_read_as_a_whole_or_sorted(url, verb):
    with explaining(url) as explain:
        plan = explain(getattr(DIALECT.sql, verb), LIMITED[verb])
    assert "Seq Scan" not in plan, plan
    if verb.endswith("_heads") and verb != "claim_heads":
        index = "sqlqueue_jobs_limited" if verb == "limited_heads" else "sqlqueue_jobs_lane"
        assert f"Index Scan using {index} on sqlqueue_jobs r" in plan, plan
        assert "Sort" not in plan, plan
    if verb == "limited_lanes":
        assert all("sqlqueue_jobs_limited" in scan for scan in scans(plan) if "sqlqueue_jobs" in scan), plan


def test_a_claim_reads_an_index_in_which_no_limited_job_is(url):
    with explaining(url) as explain:
        plan = explain(*claim_step(DIALECT, ME, [lane()], 500))
    assert "Index Scan using sqlqueue_jobs_lane on sqlqueue_jobs r" in plan, plan
    assert re.search(r"Index Cond: \(\(queue = .*priority = .*seq > .*seq < ", plan), plan
    with psycopg.connect(url) as connection:
        connection.execute("ANALYZE sqlqueue_jobs")
        sizes: dict[str, float] = dict(
            connection.execute(
                "SELECT relname, reltuples FROM pg_class"
                " WHERE relname IN ('sqlqueue_jobs_lane', 'sqlqueue_jobs_limited')"
            ).fetchall()
        )
    assert sizes == {"sqlqueue_jobs_lane": 2000, "sqlqueue_jobs_limited": 2000}


def test_grants_are_hot_updates(url):
    lanes = [LimitedLane(QUEUE, ACME, 0, read_limits(ACME))]
    with psycopg.connect(url, autocommit=True) as connection:
        execute = over_pyformat(connection, ROW)
        drive(execute, ensure_limits(DIALECT, ["key:acme"]))
        with connection.transaction():
            assert len(drive(execute, grant(DIALECT, ME, lanes, 500)).jobs) == 500
    updated, hot, _ = updates(url, 500)
    assert updated == 500
    assert hot / updated >= 0.9

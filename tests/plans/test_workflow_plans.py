"""PostgreSQL: the plans of the statements that release jobs, however the planner sees the tables.

As ten thousand edges that nobody has analysed; and as they are most of the day, nearly empty, analysed then.
"""

import re

import psycopg
import pytest

from sqlqueue.domain.workflow import Edge
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.postgres_link import WORKER_SETTINGS
from tests.support.databases import fresh_name
from tests.support.jobs import new_job
from tests.support.runners import ROW

DIALECT = Postgres()
WIDTH = 5000
IDS = {"ids": '["x"]'}

READS = {
    "resolve": {"ended": '[{"id":"x","outcome":"succeeded","result":"1"}]'},
    "lock_blocked": IDS,
    "still_blocked": IDS,
    "waiters": IDS,
    "culprits": IDS,
    "let_go": {"doc": '[{"id":"x"}]', "most": 1},
    "doom": {"doc": '[{"id":"x","state":"failed"}]'},
    "drop_blocked": IDS,
    "disconnect": IDS,
    "forget_edges_of": IDS,
    "ends": IDS,
    "children": IDS,
}


@pytest.fixture(scope="module")
def url(postgres_server, postgres_template):
    """Wide workflows."""
    yield from filled(postgres_server, postgres_template, drained=False)


@pytest.fixture(scope="module")
def drained_url(postgres_server, postgres_template):
    """The same, all but done, and analysed."""
    yield from filled(postgres_server, postgres_template, drained=True)


@pytest.fixture(scope="module", params=["url", "drained_url"])
def any_url(request):
    return request.getfixturevalue(request.param)


def filled(postgres_server, postgres_template, *, drained):
    name = fresh_name()
    url = postgres_server.create_database(name, postgres_template)
    with psycopg.connect(url) as connection:
        header = [new_job(options='{"feeds":true}') for _ in range(WIDTH)]
        bodies = [new_job(blocked=True, options='{"takes":"list"}') for _ in range(2)]
        edges = [Edge(body.id, n, job.id) for body in bodies for n, job in enumerate(header)]
        drive(over_pyformat(connection, ROW), enqueue(DIALECT, [*header, *bodies], None, edges))
        if drained:
            connection.execute("DELETE FROM sqlqueue_dependencies WHERE position > 1")
            connection.execute("DELETE FROM sqlqueue_jobs WHERE id <> ALL (%s)", [[body.id for body in bodies]])
            connection.execute("ANALYZE sqlqueue_jobs, sqlqueue_dependencies")
    yield url
    postgres_server.drop_database(name)


def plan_of(url, verb, params):
    """Return the generic plan of a statement, as a worker's connection makes it."""
    names = list(params)
    statement = getattr(DIALECT.sql, verb).sql
    text = re.sub(r"(?<![:\w]):([a-z_]+)\b", lambda m: f"${names.index(m[1]) + 1}", statement)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(WORKER_SETTINGS)
        connection.execute(f"PREPARE verb AS {text}")
        values = ", ".join(["%s"] * len(names))
        rows = connection.execute(f"EXPLAIN (COSTS off) EXECUTE verb({values})", list(params.values())).fetchall()
    return "\n".join(line for (line,) in rows)


@pytest.mark.parametrize("verb", READS)
def test_jobs_and_edges_are_found_through_their_indexes(any_url, verb):
    plan = plan_of(any_url, verb, READS[verb])
    lines = plan.splitlines()
    ours = [(line, lines[n + 1]) for n, line in enumerate(lines) if "Scan" in line and "sqlqueue_" in line]
    assert ours, plan
    for line, below in ours:
        assert "Tid Scan" in line or ("Index" in line and "Index Cond" in below), plan
    wrong = r"using sqlqueue_(jobs_lane|jobs_due|jobs_root)"
    assert not re.search(wrong, plan), plan


def test_an_open_edge_is_looked_for_from_the_last_backwards(url):
    plan = plan_of(url, "waiters", IDS)
    assert "Index Scan Backward using sqlqueue_dependencies_pkey" in plan, plan
    assert plan.count("Sort") <= 2, plan  # the few jobs themselves, by id


def test_resolving_an_edge_writes_no_index(url):
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE sqlqueue_dependencies SET outcome = 'succeeded', result = '1'"
            " WHERE ctid IN (SELECT ctid FROM sqlqueue_dependencies LIMIT 500)"
        )
        row = connection.execute(
            "SELECT pg_stat_get_xact_tuples_updated(c), pg_stat_get_xact_tuples_hot_updated(c)"
            "  FROM (SELECT CAST('sqlqueue_dependencies' AS regclass) AS c) x"
        ).fetchone()
        connection.rollback()
    assert row is not None
    updated, hot = row
    assert (updated, hot >= 0.9 * updated) == (500, True), row


def test_what_a_crash_has_left_is_looked_for_through_indexes(url):
    loose = plan_of(url, "loose", {"at_most": 1000})
    assert re.search(r"Index Scan using sqlqueue_jobs_due on sqlqueue_jobs j", loose), loose
    lost = plan_of(url, "lost_parents", {"at_most": 1000})
    assert "using sqlqueue_jobs_pkey on sqlqueue_jobs j" in lost, lost

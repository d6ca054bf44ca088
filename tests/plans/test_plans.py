"""PostgreSQL: the plans of the hot statements, on tables that nobody has analysed, and the share of HOT updates."""

import re
from contextlib import contextmanager

import psycopg
import pytest

from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.claim import claim, claim_step
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.postgres_link import WORKER_SETTINGS
from tests.support.databases import fresh_name
from tests.support.jobs import ME, lane, new_job
from tests.support.runners import ROW
from tests.support.statistics import updates

DIALECT = Postgres()
JOBS = 20_000

MANY_RESULTS = """
INSERT INTO sqlqueue_results (id, queue, priority, state, task, args, kwargs, created_at, finished_at, attempt,
                              retries, crashes, claim_token)
SELECT CAST(n AS text), 'testq', 0, 'succeeded', 't', '[]', '{}', now(), now(), 1, 0, 0, 1
  FROM generate_series(1, 20000) n
"""


@pytest.fixture(scope="module")
def url(postgres_server, postgres_template):
    """20,000 jobs, every tenth of them scheduled, a tenth running, and as many results; no ANALYZE."""
    name = fresh_name()
    url = postgres_server.create_database(name, postgres_template)
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE sqlqueue_jobs SET (autovacuum_enabled = off)")
        execute = over_pyformat(connection, ROW)
        for start in range(0, JOBS, 2000):
            jobs = [new_job(delay=60.0 if n % 10 == 0 else None, priority=n % 2) for n in range(start, start + 2000)]
            drive(execute, enqueue(DIALECT, jobs))
        for _ in range(4):
            held = drive(execute, claim(DIALECT, ME, [lane()], 500))
            done = [Finish(job.id, State.SUCCEEDED, "1", 0.1) for job in held]
            drive(execute, settle(DIALECT, ME, done, {job.id: job.token for job in held}))
        drive(execute, claim(DIALECT, ME, [lane(priority=1)], 2000))
    yield url
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def empty_url(postgres_server, postgres_template):
    """Tables as they are after a migration."""
    name = fresh_name()
    yield postgres_server.create_database(name, postgres_template)
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def million_url(postgres_server, postgres_template):
    """A million jobs, analysed: nine of ten ready, the others scheduled."""
    name = fresh_name()
    url = postgres_server.create_database(name, postgres_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE sqlqueue_jobs SET (autovacuum_enabled = off, fillfactor = 100)")
        # What makes it quick: no log, and the small indexes at the end.
        names = ("sqlqueue_jobs_lane", "sqlqueue_jobs_due")
        indexes = [
            connection.execute("SELECT pg_get_indexdef(CAST(%s AS regclass))", [name]).fetchall() for name in names
        ]
        for name in names:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("ALTER TABLE sqlqueue_jobs SET UNLOGGED")
        connection.execute(A_MILLION)
        for ((text,),) in indexes:
            connection.execute(text)
        connection.execute("ANALYZE sqlqueue_jobs")
    yield url
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def drained_url(postgres_server, postgres_template):
    """A table that held many jobs and holds a few, analysed now: as it is most of the day."""
    name = fresh_name()
    url = postgres_server.create_database(name, postgres_template)
    with psycopg.connect(url, autocommit=True) as connection:
        execute = over_pyformat(connection, ROW)
        drive(execute, enqueue(DIALECT, [new_job() for _ in range(5000)]))
        connection.execute("DELETE FROM sqlqueue_jobs WHERE id IN (SELECT id FROM sqlqueue_jobs OFFSET 4)")
        connection.execute("ANALYZE sqlqueue_jobs")
    yield url
    postgres_server.drop_database(name)


A_MILLION = """
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, run_at)
SELECT lpad(CAST(n AS text), 12, '0'), CASE WHEN n % 10 > 0 THEN n END, 'testq', n % 2,
       CASE WHEN n % 10 > 0 THEN 'ready' ELSE 'scheduled' END, 't', '[]', '{}',
       CASE WHEN n % 10 = 0 THEN now() + n * interval '1 second' END
  FROM generate_series(1, 1000000) n
"""


@pytest.fixture(scope="module", params=["not analysed", "empty"])
def tables(request):
    """Return the URL of a database whose tables the planner sees in very different ways."""
    return request.getfixturevalue({"not analysed": "url", "empty": "empty_url"}[request.param])


@pytest.fixture
def explain(tables):
    """Return the generic plan of a statement, as a worker's connection makes it."""
    with explaining(tables) as plan:
        yield plan


@contextmanager
def explaining(url):
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(WORKER_SETTINGS)

        def plan(statement, params):
            names = list(params)
            text = re.sub(r"(?<![:\w]):([a-z_]+)\b", lambda m: f"${names.index(m[1]) + 1}", statement.sql)
            connection.execute(f"PREPARE verb AS {text}")
            values = ", ".join(["%s"] * len(names))
            call = f"EXPLAIN (COSTS off) EXECUTE verb({values})" if names else "EXPLAIN (COSTS off) EXECUTE verb"
            rows = connection.execute(call, [params[name] for name in names]).fetchall()
            connection.execute("DEALLOCATE verb")
            return "\n".join(line for (line,) in rows)

        yield plan


def scans(plan):
    """Return the way in which each table is read."""
    return [line.strip().removeprefix("->").strip() for line in plan.splitlines() if "Scan" in line]


@pytest.mark.parametrize("lanes", [1, 8])
def test_claim_walks_the_lane_index_in_order(explain, lanes):
    step = claim_step(DIALECT, ME, [lane(priority=n) for n in range(lanes)], 500)
    plan = explain(*step)
    assert "Index Scan using sqlqueue_jobs_lane on sqlqueue_jobs r" in plan, plan
    assert re.search(r"Index Cond: \(\(queue = .*priority = .*seq > .*seq < ", plan), plan
    assert "Tid Scan on sqlqueue_jobs j" in plan, plan
    assert "Sort" not in plan, plan
    assert "Seq Scan" not in plan, plan


def test_finish_finds_its_rows_by_id(explain):
    plan = explain(DIALECT.sql.finish, DIALECT.finish_params([Finish("x", State.SUCCEEDED)], [1], ME))
    reads = [scan for scan in scans(plan) if "sqlqueue_" in scan]
    assert reads, plan
    ways = {scan.partition(" on ")[0] for scan in reads}
    assert "Index Scan using sqlqueue_jobs_pkey" in ways, plan
    assert ways <= {"Index Scan using sqlqueue_jobs_pkey", "Tid Scan"}, plan


@pytest.mark.parametrize("verb", ["reschedule", "give_back"])
def test_what_waits_again_is_found_by_id(explain, verb):
    plan = explain(getattr(DIALECT.sql, verb), {"doc": '[{"id":"x","token":1}]', "worker": ME})
    reads = [scan for scan in scans(plan) if "sqlqueue_" in scan]
    assert {scan.partition(" on ")[0] for scan in reads} == {"Index Scan using sqlqueue_jobs_pkey"}, plan


def test_promote_walks_the_index_of_due_moments(explain):
    plan = explain(DIALECT.sql.promote, {"at_most": 1000})
    assert re.search(r"Index Scan using sqlqueue_jobs_due on sqlqueue_jobs r\n.*Index Cond: \(run_at <= ", plan), plan
    assert "Index Scan using sqlqueue_jobs_pkey on sqlqueue_jobs j" in plan, plan
    assert "Sort" not in plan, plan
    assert "Seq Scan" not in plan, plan


def test_the_next_due_moment_is_the_first_entry_of_its_index(explain):
    plan = explain(DIALECT.sql.next_due, {})
    assert re.search(r"Index (Only )?Scan using sqlqueue_jobs_due", plan), plan
    assert "Sort" not in plan, plan


@pytest.mark.parametrize("verb", ["results", "unfinished"])
def test_jobs_are_looked_up_by_id(explain, verb):
    plan = explain(getattr(DIALECT.sql, verb), {"ids": '["x"]'})
    reads = [scan for scan in scans(plan) if "sqlqueue_" in scan]
    assert reads, plan
    assert all(scan.startswith("Index Scan using sqlqueue_") for scan in reads), plan


@pytest.mark.parametrize("verb", ["results", "unfinished", "forget_duplicates"])
def test_ids_are_looked_up_through_an_index_on_a_clients_connection_too(url, verb):
    """Which has no settings of ours: the planner chooses. With `IN (SELECT ...)` it read every row, 80 times slower."""
    with psycopg.connect(url) as connection:
        connection.execute(MANY_RESULTS)
        rows = connection.execute(
            "EXPLAIN (COSTS off)" + getattr(DIALECT.sql, verb).pyformat, {"ids": '["x"]'}
        ).fetchall()
        ((today,),) = connection.execute("SELECT DISTINCT CAST(tableoid AS regclass)::text FROM sqlqueue_results")
        connection.rollback()
    plan = "\n".join(line for (line,) in rows)
    full = today if verb != "unfinished" else "sqlqueue_jobs"
    assert re.search(rf"Scan (using|on) {full}_pkey", plan), plan
    assert not re.search(rf"Seq Scan on ({full}|sqlqueue_jobs)\b", plan), plan


@pytest.mark.parametrize("verb", ["rescue_lost", "rescue_back", "held_ids"])
def test_a_workers_own_rows_are_found_without_a_seq_scan(explain, verb):
    params = {"worker": ME} | ({"reason": "died"} if verb != "held_ids" else {})
    plan = explain(getattr(DIALECT.sql, verb), params)
    assert "Seq Scan" not in plan, plan


def test_lanes_are_found_by_one_probe_each(explain):
    plan = explain(DIALECT.sql.lanes, {"queues": '["testq"]'})
    reads = [scan for scan in scans(plan) if "sqlqueue_jobs" in scan]
    assert reads, plan
    assert all("sqlqueue_jobs_lane" in scan for scan in reads), plan
    assert "Limit" in plan, plan


def test_what_waits_behind_the_claimed_is_not_read_to_find_what_is_held(explain):
    plan = explain(DIALECT.sql.held_within, {"worker": ME, "lanes": '[["testq",0,7]]'})
    assert all("Index Scan" in scan for scan in scans(plan) if "sqlqueue_jobs" in scan), plan
    assert re.search(r"sqlqueue_jobs_lane on sqlqueue_jobs j\n.*Index Cond: .*queue = .*priority = .*seq <= ", plan), (
        plan
    )


def test_copies_of_workers_that_are_gone_are_found_by_their_queues(explain):
    plan = explain(DIALECT.sql.copies_in, {"queues": '["news@w1"]'})
    found = [scan for scan in scans(plan) if "sqlqueue_jobs" in scan]
    assert len(found) == 2, plan
    assert all("Index Scan" in scan for scan in found), plan


def test_what_is_due_much_later_is_not_read_to_find_unknown_tasks(explain):
    plan = explain(DIALECT.sql.fail_unknown, {"seconds": 3600.0})
    assert re.search(r"sqlqueue_jobs_due on sqlqueue_jobs r\n.*Index Cond: \(run_at < ", plan), plan


HOT = {
    "claim": claim_step(DIALECT, ME, [lane(priority=n) for n in range(8)], 500).params,
    "succeed": DIALECT.succeed_params([Finish("x", State.SUCCEEDED, "1", 0.1)], [1], ME),
    "finish": DIALECT.finish_params([Finish("x", State.SUCCEEDED)], [1], ME),
    "reschedule": {"doc": '[{"id":"x","token":1}]', "worker": ME},
    "give_back": {"doc": '[{"id":"x","token":1}]', "worker": ME},
    "promote": {"at_most": 1000},
    "next_due": {},
    "lanes": {"queues": '["testq"]'},
    "unfinished": {"ids": '["x"]'},
    "held_among": {"ids": '["x"]', "worker": ME},
    "held_within": {"lanes": '[["testq",0,7]]', "worker": ME},
    "rescue_back": {"worker": ME, "reason": "died"},
}


def test_a_million_jobs_change_no_plan(empty_url, drained_url, million_url):
    """In one test, so that a run on many processors makes them once."""
    assert different(empty_url, million_url) == {}
    assert different(empty_url, drained_url) == {}


def different(one, other):
    """Return the two plans of the statements whose plans in two databases differ."""
    with explaining(one) as first, explaining(other) as second:
        plans = {
            verb: (first(statement := getattr(DIALECT.sql, verb), params), second(statement, params))
            for verb, params in HOT.items()
        }
    return {verb: (mine, yours) for verb, (mine, yours) in plans.items() if mine != yours}


def test_without_our_settings_they_would(empty_url, million_url):
    """The twin that shows what the test above is worth: left alone, the planner goes by what it thinks of the table."""
    explain = "EXPLAIN (COSTS off) " + DIALECT.sql.held_ids.pyformat
    plans = []
    for url in (empty_url, million_url):
        with psycopg.connect(url) as connection:
            plans.append(connection.execute(explain, {"worker": ME}).fetchall())
    assert plans[0] != plans[1]


def test_claims_are_hot_updates(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        execute = over_pyformat(connection, ROW)
        for _ in range(10):
            drive(execute, enqueue(DIALECT, [new_job(args="[1,2]") for _ in range(500)]))
        while held := drive(execute, claim(DIALECT, ME, [lane()], 500)):
            done = [Finish(job.id, State.SUCCEEDED, "3", 0.1) for job in held]
            drive(execute, settle(DIALECT, ME, done, {job.id: job.token for job in held}))
    updated, hot, deleted = updates(postgres_url, 5000)
    assert (updated, deleted) == (5000, 5000)
    assert hot / updated >= 0.9

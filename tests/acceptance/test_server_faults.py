"""The database goes away under a worker that runs a job, and comes back."""

from __future__ import annotations

import psycopg
import pytest

from tests.acceptance.test_kills import held_by, running_record
from tests.support.processes import wait_until

PATIENCE = 40.0


@pytest.fixture
def database_url(own_server):
    return own_server.dsn("shop")


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_an_immediate_stop_while_a_job_runs(place, own_server, pool):
    tasks = place.app()
    worker = place.worker("-P", pool, "-c", "2").wait_ready()
    before = [tasks.add.delay(n, n) for n in range(20)]
    assert [result.get(timeout=PATIENCE) for result in before] == [2 * n for n in range(20)]
    held = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    assert running_record(tasks, held)
    own_server.stop("immediate")
    (place.folder / "go").touch()
    worker.wait_for("will go on")
    own_server.start()
    assert held.get(timeout=PATIENCE) in held_by(place)
    assert len(held_by(place)) == 1, "its outcome was kept and settled; nobody ran it again"
    after = [tasks.add.delay(n, 1) for n in range(20)]
    assert [result.get(timeout=PATIENCE) for result in after] == [n + 1 for n in range(20)]
    assert worker.finish() == 0


def test_all_sessions_are_terminated(place, own_server):
    tasks = place.app()
    worker = place.worker("-P", "threads").wait_ready()
    assert tasks.add.delay(1, 1).get(timeout=PATIENCE) == 2
    for _ in range(3):
        with psycopg.connect(own_server.dsn("shop"), autocommit=True) as operator:
            (ended,) = operator.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchall()[0]
        assert ended >= 3, "the worker's sessions were hit"
        results = [tasks.add.delay(n, 2) for n in range(20)]
        assert [result.get(timeout=PATIENCE) for result in results] == [n + 2 for n in range(20)]
    assert worker.finish() == 0

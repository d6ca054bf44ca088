"""Somebody else's row locks delay one settlement, and nothing more."""

from __future__ import annotations

import signal

import psycopg
import pytest

from tests.acceptance.test_kills import held_by
from tests.support.processes import wait_until


@pytest.fixture
def database_url(own_server):
    return own_server.dsn("shop")


def test_a_locked_row_is_settled_when_it_is_free(place):
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "2").wait_ready()
    held = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    with psycopg.connect(place.url.replace("+psycopg", "")) as meddler:
        meddler.execute("SELECT 1 FROM sqlqueue_jobs WHERE id = %s FOR UPDATE", [held.id])
        (place.folder / "go").touch()
        others = [tasks.add.delay(n, n) for n in range(50)]
        assert [other.get(timeout=20) for other in others] == [2 * n for n in range(50)]
        assert held.state == "STARTED", "its settlement is skipped, not waited for, and not dropped"
        meddler.rollback()
    assert held.get(timeout=20) == worker.process.pid
    assert "no longer ours" not in worker.output
    assert worker.finish() == 0


def test_a_worker_that_ends_waits_for_a_lock_on_what_it_has_to_settle(place):
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "2").wait_ready()
    held = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    with psycopg.connect(place.url.replace("+psycopg", "")) as meddler:
        meddler.execute("SELECT 1 FROM sqlqueue_jobs WHERE id = %s FOR UPDATE", [held.id])
        (place.folder / "go").touch()
        worker.process.send_signal(signal.SIGTERM)
        worker.wait_for("warm shutdown")
        assert held.state == "STARTED"
        assert worker.process.poll() is None
        meddler.rollback()
    assert worker.end() == 0
    assert held.get(timeout=5) == worker.process.pid


def test_a_worker_ends_although_the_database_is_gone(place, own_server):
    tasks = place.app()
    worker = place.worker("-P", "threads").wait_ready()
    tasks.add.delay(1, 1).get(timeout=20)
    own_server.stop("immediate")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.end() == 0
    assert "Traceback" not in worker.output

"""Somebody else's row locks delay one settlement, and nothing more."""

from __future__ import annotations

import psycopg
import pytest

from tests.acceptance.test_kills import held_by
from tests.support.processes import wait_until


@pytest.fixture
def database_url(postgres_url):
    return postgres_url


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

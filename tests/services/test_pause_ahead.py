"""A pause of a queue: what a worker has claimed of it and not started goes back, and waits."""

import threading

import pytest

from sqlqueue import SQLQueue
from sqlqueue.store.operation import Statement, ask
from sqlqueue.worker import relief
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 30.0


@pytest.fixture
def app(database_url, monkeypatch):
    monkeypatch.setattr(relief, "LONG", 1000.0)  # which would give them back, too
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def states(app):
    """Count the jobs that are not over by queue and state."""

    def count(_):
        words = "SELECT queue, state, count(*) FROM sqlqueue_jobs GROUP BY queue, state ORDER BY 1, 2"
        return (yield from ask(Statement(words)))

    return [tuple(row) for row in app.store.read(count)]


def test_what_waits_in_the_pool_goes_back_and_other_queues_do_not(app):
    started, go = threading.Event(), threading.Event()

    @app.task(name="hold", queue="some")
    def hold():
        started.set()
        assert go.wait(PATIENCE)

    @app.task(name="add")
    def add(x, y):
        return x + y

    with working(app, "some", "other", concurrency=1) as worker:
        for result in add.send_many([(0, 0)] * 50, queue="some"):  # so that many are claimed at a time
            result.get(timeout=PATIENCE)
        held = hold.delay()
        assert started.wait(PATIENCE)
        paused = add.send_many([(n, 1) for n in range(20)], queue="some")
        others = add.send_many([(n, 2) for n in range(10)], queue="other")
        wait_until("all to be claimed", lambda: worker.pool.load == 31)
        app.queues.pause("some")
        wait_until("the pause", lambda: worker.pool.load == 11)
        wait_until(
            "their way back",
            lambda: states(app) == [("other", "running", 10), ("some", "ready", 20), ("some", "running", 1)],
        )
        go.set()
        assert held.get(timeout=PATIENCE) is None
        assert [result.get(timeout=PATIENCE) for result in others] == [n + 2 for n in range(10)]
        assert states(app) == [("some", "ready", 20)]
        app.queues.resume("some")
        assert [result.get(timeout=PATIENCE) for result in paused] == [n + 1 for n in range(20)]

"""Tasks that are registered after a worker has started in the same process: it runs them, as it runs the others."""

import time

import pytest

from sqlqueue import SQLQueue
from sqlqueue.errors import ConfigError, TimeLimitExceeded
from sqlqueue.store.ops.unknown import known_elsewhere
from tests.support.inprocess import working
from tests.support.processes import wait_until

POOLS = ["threads", "asyncio", "solo"]
PATIENCE = 30


@pytest.fixture
def app(database_url):
    app = SQLQueue("tests", broker=database_url)
    app.task(name="first")(lambda: "first")
    yield app
    app.close()


@pytest.mark.parametrize("pool", POOLS)
def test_a_task_made_later_is_run(app, pool):
    with working(app, pool=pool, concurrency=1):
        assert app.send_task("first").get(timeout=PATIENCE) == "first"
        later = app.task(name="later")(lambda x: x + 1)
        assert later.delay(1).get(timeout=PATIENCE) == 2
        assert app.send_task("first").get(timeout=PATIENCE) == "first"
        assert later.delay(2).get(timeout=PATIENCE) == 3


def test_others_see_what_it_knows(app, database_url):
    with working(app) as worker:
        later = app.task(name="later")(lambda: None)
        assert "later" not in worker.registration.tasks
        worker.reload()
        wait_until("the worker to have learned it", lambda: "later" in worker.registration.tasks)
        assert later.delay().get(timeout=PATIENCE) is None
        other = SQLQueue("looking", broker=database_url)
        assert other.control.inspect(timeout=PATIENCE).registered() == {worker.name: ["first", "later"]}
        assert other.store.read(known_elsewhere, ["later", "never"]) == {"later"}
        other.close()


def test_a_job_that_came_before_its_task_waits_for_it(app):
    with working(app):
        early = app.send_task("later", args=[1])
        wait_until("it to be turned away", lambda: app.jobs.show(early.id).job.error)
        app.task(name="later")(lambda x: x + 1)
        assert early.get(timeout=PATIENCE) == 2


def test_it_has_its_limits_and_its_rate(app):
    with working(app, concurrency=1):

        @app.task(name="slow", time_limit=0.2)
        def slow():
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                pass

        rare = app.task(name="rare", rate_limit="1/h")(lambda: None)
        with pytest.raises(TimeLimitExceeded):
            slow.delay().get(timeout=PATIENCE)
        rare.delay().get(timeout=PATIENCE)
        second = rare.delay()
        assert app.send_task("first").get(timeout=PATIENCE) == "first"
        assert not second.ready()


def test_it_may_be_transactional(app):
    with working(app):

        @app.task(name="pay", transactional=True, bind=True)
        def pay(self):
            return self.session is not None

        assert pay.delay().get(timeout=PATIENCE) is True


def test_forked_children_cannot_learn_and_it_is_said(app):
    with working(app, pool="prefork", concurrency=1) as worker, pytest.raises(ConfigError, match="SIGHUP"):
        worker.reload()

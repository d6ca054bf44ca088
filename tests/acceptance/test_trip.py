"""The whole trip with real worker processes, on both databases and in every pool."""

from __future__ import annotations

import pytest

from sqlqueue import EncodingError, TaskFailed
from tests.support.processes import wait_until

POOLS = ["prefork", "threads", "asyncio", "solo"]


@pytest.mark.parametrize("pool", POOLS)
def test_from_call_to_result(place, pool):
    worker = place.worker("-P", pool, "-c", "2").wait_ready()
    tasks = place.app()
    results = [tasks.add.delay(n, n) for n in range(200)]
    assert [result.get(timeout=30) for result in results] == [2 * n for n in range(200)]
    assert tasks.double.delay(21).get(timeout=30) == 42
    failed = tasks.fail.delay("no paper")
    with pytest.raises(ValueError, match="no paper"):
        failed.get(timeout=30)
    assert failed.state == "FAILURE"
    assert failed.traceback.endswith("ValueError: no paper\n")
    assert "execute.py" not in failed.traceback
    flaky = tasks.flaky.delay(2)
    assert flaky.get(timeout=30) == 2
    assert flaky.retries == 2
    assert worker.finish() == 0
    assert "has stopped" in worker.output


@pytest.mark.parametrize("pool", POOLS)
def test_what_tasks_do_wrong_ends_in_a_result(place, pool):
    worker = place.worker("-P", pool).wait_ready()
    tasks = place.app()
    exhausted = tasks.always_fails.delay()
    with pytest.raises(KeyError, match="gone"):
        exhausted.get(timeout=30)
    assert exhausted.retries == 2
    with pytest.raises(EncodingError, match="the task's result is of type complex"):
        tasks.unstorable.delay().get(timeout=30)
    with pytest.raises(TaskFailed, match="SystemExit: 3"):
        tasks.leave.delay().get(timeout=30)
    assert tasks.add.delay(1, 1).get(timeout=30) == 2, "the worker outlives all of that"
    assert worker.finish() == 0


def test_the_command_line_of_the_introduction(place):
    """The users' text starts several named workers on one server."""
    command = ["-A", "tasks", "worker", "--loglevel=info", "--hostname=test-worker1", "-Q", "testq", "-c", "2"]
    worker = place.run(*command).wait_ready()
    assert "test-worker1" in worker.output
    assert "tasks.add" in worker.output
    tasks = place.app()
    assert tasks.add.apply_async(4, 4, queue="testq").get(timeout=30) == 8
    twin = place.run(*command).wait_ready()
    twin.wait_for("another live worker")
    assert twin.finish() == 0
    assert worker.finish() == 0


def test_a_worker_finds_the_app_by_itself(place):
    worker = place.run("worker", "--queue", "testq", "-l", "info").wait_ready()
    call = place.run("call", "tasks.add", "--args", "[2, 2]", "-Q", "testq", "--wait")
    assert call.end() == 0
    assert call.output == "4\n"
    sent = place.run("call", "tasks.fail", "--args", '["x"]', "-Q", "testq")
    assert sent.end() == 0
    job = sent.output.strip()
    tasks = place.app()
    wait_until("the job to end", tasks.app.AsyncResult(job).ready)
    shown = place.run("result", job, "--traceback")
    assert shown.end() == 1
    assert "FAILURE: ValueError: x" in shown.output
    assert worker.finish() == 0


def test_countdown_eta_and_priority(place):
    tasks = place.app()
    late = tasks.add.apply_async((1, 1), countdown=3600)
    low = tasks.add.apply_async((1, 2), priority=-1)
    normal = tasks.add.apply_async((1, 3))
    high = tasks.add.apply_async((1, 4), priority=9)
    soon = tasks.add.apply_async((1, 5), countdown=0.3)
    worker = place.worker("-P", "solo").wait_ready()
    for result in (low, normal, high, soon):
        result.get(timeout=30)
    assert late.state == "PENDING"
    assert worker.finish() == 0, "now every line is written"
    lines = [line for line in worker.output.splitlines() if "succeeded" in line]
    order = [next(name for name, r in named if r.id in line) for line in lines for named in [
        [("low", low), ("normal", normal), ("high", high), ("soon", soon)]]]  # fmt: skip
    assert order.index("high") < order.index("normal") < order.index("low")

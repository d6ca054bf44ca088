"""Real workers under an operator: pause, resume, revoke, retry by hand."""

import os

import pytest

from sqlqueue import TaskRevoked
from sqlqueue.domain.which import Which
from tests.support.processes import wait_until


def held_by(place):
    return list(place.folder.glob("held-by-*"))


@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_paused_queue_is_let_alone_until_it_is_resumed(place, notifications):
    tasks = place.app()
    tasks.app.queues.pause("testq")
    worker = place.worker("-P", "threads", SQLQUEUE_BROKER_NOTIFICATIONS=notifications).wait_ready()
    waiting = tasks.add.delay(2, 2)
    elsewhere = place.run("-A", "tasks", "worker", "--loglevel=info", "-Q", "other", "-P", "threads").wait_ready()
    assert tasks.add.apply_async((1, 1), queue="other").get(timeout=30) == 2
    assert waiting.state == "PENDING"
    assert tasks.app.queues.resume("testq")
    assert waiting.get(timeout=30) == 4
    tasks.app.queues.pause("testq")
    wait_until("the second pause", lambda: worker.output.count("no longer claims from testq") == 2)
    late = tasks.add.delay(3, 3)
    assert tasks.add.apply_async((4, 4), queue="other").get(timeout=30) == 8
    assert late.state == "PENDING"
    tasks.app.queues.resume("testq")
    assert late.get(timeout=30) == 6
    assert (worker.finish(), elsewhere.finish()) == (0, 0)


def test_a_child_tells_how_far_its_job_is(place):
    tasks = place.app()
    worker = place.worker("-P", "prefork", "-c", "1").wait_ready()
    result = tasks.half_done.delay(str(place.folder))
    wait_until("its word", lambda: result.state == "PROGRESS")
    assert result.info == {"done": 1, "total": 2, "message": "half"}
    place.run("-A", "tasks", "job", "show", result.id).wait_for(
        'tells     PROGRESS {"done":1,"total":2,"message":"half"}'
    )
    (place.folder / "go").touch()
    assert result.get(timeout=30) > 0
    assert worker.finish() == 0


def test_a_revoked_job_that_runs_may_succeed(place):
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "1").wait_ready()
    result, behind = tasks.hold.delay(str(place.folder)), tasks.add.delay(1, 1)
    wait_until("the task to start", lambda: held_by(place))
    result.revoke()
    behind.revoke()
    with pytest.raises(TaskRevoked):
        behind.get(timeout=30)
    (place.folder / "go").touch()
    assert result.get(timeout=30) == worker.process.pid
    assert worker.finish() == 0


def test_a_revoked_job_whose_worker_is_killed_does_not_run_again(place):
    tasks = place.app()
    first = place.worker("-P", "threads", "-n", "first").wait_ready()
    result = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    result.revoke()
    first.kill()
    second = place.worker("-P", "threads", "-n", "second").wait_ready()
    with pytest.raises(TaskRevoked, match="worker first died"):
        result.get(timeout=60)
    assert len(held_by(place)) == 1
    assert second.finish() == 0


def test_a_revoked_job_in_a_killed_child_does_not_run_again(place):
    tasks = place.app()
    worker = place.worker("-P", "prefork", "-c", "1").wait_ready()
    result = tasks.hold.delay(str(place.folder))
    (file,) = wait_until("the task to start", lambda: held_by(place))
    result.revoke()
    os.kill(int(file.name.rpartition("-")[2]), 9)
    with pytest.raises(TaskRevoked, match="killed by SIGKILL"):
        result.get(timeout=60)
    assert worker.finish() == 0


def test_a_failed_job_is_retried_by_hand(place):
    tasks = place.app()
    worker = place.worker("-P", "threads").wait_ready()
    result = tasks.fail.delay("no")
    with pytest.raises(ValueError, match="no"):
        result.get(timeout=30)
    assert tasks.app.jobs.retry(Which(ids=[result.id])) == [result.id]
    again = tasks.app.AsyncResult(result.id)
    with pytest.raises(ValueError, match="no"):
        again.get(timeout=30)
    (past,) = tasks.app.jobs.show(result.id).history
    assert past["error"] == "ValueError: no"
    again.forget()
    assert tasks.app.AsyncResult(result.id).state == "PENDING"
    assert worker.finish() == 0

"""Workers killed at the worst moments: nothing is lost, nothing is accepted twice.

Each test proves that the fault hit inside its window: the job was running in the process that was killed.
"""

from __future__ import annotations

import os
import signal

import pytest
from sqlalchemy import create_engine

from sqlqueue import WorkerLost
from sqlqueue.store.ops.results import look_up
from tests.support.processes import wait_until

PATIENCE = 40.0


def held_by(place) -> list[int]:
    return [int(path.name.rpartition("-")[2]) for path in place.folder.glob("held-by-*")]


def running_record(tasks, result):
    record = tasks.app.store.read(look_up, result.id)
    return record if record is not None and record.state == "running" else None


@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio", "solo"])
def test_a_killed_workers_job_is_finished_by_another(place, pool):
    tasks = place.app()
    first = place.worker("-P", pool, "-c", "1", "-n", "first").wait_ready()
    result = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    ran_first = held_by(place)
    assert running_record(tasks, result), "the job runs while the kill comes"
    second = place.worker("-P", pool, "-c", "1", "-n", "second").wait_ready()
    assert first.process.poll() is None
    first.kill()
    wait_until("another process to start the task", lambda: len(held_by(place)) == 2, PATIENCE)
    (place.folder / "go").touch()
    assert result.get(timeout=PATIENCE) not in ran_first
    assert "worker first is dead" in second.output
    assert second.finish() == 0


def test_a_job_that_may_run_once_is_not_run_again(place):
    tasks = place.app()
    first = place.worker("-P", "threads", "-n", "first").wait_ready()
    result = tasks.hold_once.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    assert running_record(tasks, result)
    first.kill()
    second = place.worker("-P", "threads", "-n", "second").wait_ready()
    with pytest.raises(WorkerLost, match="worker first died"):
        result.get(timeout=PATIENCE)
    assert len(held_by(place)) == 1
    assert second.finish() == 0


def test_a_claim_without_a_settlement_is_not_lost(place):
    """Killed between the claim's commit and the start of the job."""
    tasks = place.app()
    first = place.worker("-P", "threads", "-n", "first").wait_ready()
    first.hold("claimed")
    results = [tasks.add.delay(n, 1) for n in range(20)]
    first.reached("claimed")
    claimed = [result for result in results if running_record(tasks, result)]
    assert claimed, "the kill hits after the claim's commit"
    first.kill()
    second = place.worker("-P", "threads", "-n", "second").wait_ready()
    assert [result.get(timeout=PATIENCE) for result in results] == [n + 1 for n in range(20)]
    assert second.finish() == 0


def test_killed_before_the_settlement_the_job_runs_again(place):
    """Killed after the task returned and before its result was written."""
    tasks = place.app()
    first = place.worker("-P", "threads", "-n", "first").wait_ready()
    result = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    first.hold("before-cycle")
    (place.folder / "go").touch()
    first.reached("before-cycle")
    assert running_record(tasks, result), "the result is not written when the kill comes"
    first.kill()
    second = place.worker("-P", "threads", "-n", "second").wait_ready()
    assert result.get(timeout=PATIENCE) == second.process.pid
    assert second.finish() == 0


def test_a_stopped_worker_that_wakes_up_changes_nothing(place):
    """SIGSTOP for longer than the rescue takes, then SIGCONT: the late outcome is refused."""
    tasks = place.app()
    first = place.worker("-P", "threads", "-n", "first").wait_ready()
    result = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    os.kill(first.process.pid, signal.SIGSTOP)
    second = place.worker("-P", "threads", "-n", "second").wait_ready()
    second.wait_for("worker first is dead") if not place.url.startswith("sqlite") else _rescue_by_hand(tasks)
    wait_until("the second start", lambda: len(held_by(place)) == 2, PATIENCE)
    os.kill(first.process.pid, signal.SIGCONT)
    (place.folder / "go").touch()
    assert result.get(timeout=PATIENCE) == second.process.pid
    first.wait_for("was no longer ours")
    again = tasks.add.delay(1, 2)
    assert again.get(timeout=PATIENCE) == 3
    assert second.finish() == 0
    assert tasks.add.delay(2, 2).get(timeout=PATIENCE) == 4, "the first worker works on, under a new identity"
    assert first.finish() == 0


def _rescue_by_hand(tasks) -> None:
    """On one host a stopped process is known to live; an operator may still take its jobs."""
    from sqlqueue.store.ops.rescue import rescue
    from sqlqueue.store.ops.workers import observe

    first = next(seen for seen in tasks.app.store.read(observe) if seen.name == "first")
    tasks.app.store.run(rescue, first.incarnation, "stopped")


def test_warm_shutdown_finishes_what_runs_and_returns_the_rest(place):
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "1").wait_ready()
    running = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    waiting = [tasks.add.delay(n, n) for n in range(5)]
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for("warm shutdown, 1 job running")
    (place.folder / "go").touch()
    assert worker.end() == 0
    assert running.get(timeout=5) == worker.process.pid
    assert {result.state for result in waiting} == {"PENDING"}


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_cold_shutdown_does_not_run_again_what_may_run_once(place, pool):
    tasks = place.app()
    worker = place.worker("-P", pool, "-c", "1").wait_ready()
    running = tasks.hold_once.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    worker.process.send_signal(signal.SIGQUIT)
    assert worker.end() == 0
    with pytest.raises(WorkerLost, match="cold shutdown"):
        running.get(timeout=PATIENCE)


def test_cold_shutdown_gives_running_jobs_back(place):
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "1").wait_ready()
    running = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    worker.process.send_signal(signal.SIGQUIT)
    assert worker.end() == 0
    assert running.state == "PENDING"
    (place.folder / "go").touch()
    second = place.worker("-P", "threads").wait_ready()
    assert running.get(timeout=PATIENCE) == second.process.pid
    assert second.finish() == 0


def test_a_killed_childs_job_runs_again_in_its_replacement(place):
    tasks = place.app()
    worker = place.worker("-P", "prefork", "-c", "1").wait_ready()
    result = tasks.hold.delay(str(place.folder))
    (child,) = wait_until("the task to start", lambda: held_by(place))
    assert child != worker.process.pid
    assert running_record(tasks, result)
    os.kill(child, signal.SIGKILL)
    wait_until("another child to start the task", lambda: len(held_by(place)) == 2)
    (place.folder / "go").touch()
    assert result.get(timeout=PATIENCE) not in (child, worker.process.pid)
    assert "killed by SIGKILL" in worker.output
    assert worker.finish() == 0


def test_a_poison_pill_fails_alone(place):
    """It is charged for each crash and ends as failed; the jobs behind it succeed, and the worker lives."""
    tasks = place.app()
    pills = [tasks.crash.delay() for _ in range(2)]
    innocents = [tasks.add.delay(n, n) for n in range(50)]
    worker = place.worker("-P", "prefork", "-c", "2").wait_ready()
    assert [result.get(timeout=PATIENCE) for result in innocents] == [2 * n for n in range(50)]
    for pill in pills:
        with pytest.raises(WorkerLost, match=r"exited with status 7.*3 crashes"):
            pill.get(timeout=PATIENCE)
    engine = create_engine(tasks.app.broker)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT task, max(crashes) FROM sqlqueue_results GROUP BY task").fetchall()
    engine.dispose()
    assert dict(tuple(row) for row in rows) == {"tasks.add": 0, "tasks.crash": 3}
    assert worker.finish() == 0


@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio", "solo"])
def test_what_waits_behind_a_long_task_goes_to_others(place, pool):
    """Tiny tasks have taught the worker to claim many at a time; one that takes long must not keep them."""
    tasks = place.app()
    first = place.worker("-P", pool, "-c", "1", "-n", "first").wait_ready()
    for result in [tasks.add.delay(n, n) for n in range(300)]:
        result.get(timeout=PATIENCE)
    first.hold("before-cycle")
    first.reached("before-cycle")
    held = tasks.hold.delay(str(place.folder))
    behind = [tasks.add.delay(n, 1) for n in range(100)]
    first.release("before-cycle")
    wait_until("the long task to start", lambda: held_by(place))
    wait_until(
        "the others to be claimed, or left", lambda: all(tasks.app.store.read(look_up, r.id) for r in behind[:1])
    )
    second = place.worker("-P", "threads", "-n", "second").wait_ready()
    assert [result.get(timeout=PATIENCE) for result in behind] == [n + 1 for n in range(100)]
    assert held.state == "STARTED"
    (place.folder / "go").touch()
    held.get(timeout=PATIENCE)
    assert second.finish() == 0
    assert first.finish() == 0

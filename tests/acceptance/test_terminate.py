"""Real workers whose jobs are revoked after they claimed them: what has not started does not start, what runs ends."""

import os
import signal

import pytest

from sqlqueue import TaskRevoked
from sqlqueue.domain.which import Which
from tests.support.processes import wait_until

NODE = "one@here"
POOLS = ["prefork", "threads", "asyncio"]

MORE = """

@app.task(queue="testq")
def stubborn(folder: str, word: str) -> None:
    import signal
    signal.signal(signal.SIGTERM, lambda *_: Path(folder, f"heard-{word}").touch())
    hold(folder)


@app.task(queue="testq")
def gentle(folder: str) -> None:
    from sqlqueue import SoftTimeLimitExceeded
    try:
        hold(folder)
    except SoftTimeLimitExceeded:
        Path(folder, "cleaned-up").touch()
        raise


@app.task(queue="testq")
async def ahold(folder: str) -> int:
    import asyncio
    Path(folder, f"held-by-{os.getpid()}").touch()
    while not Path(folder, "go").exists():
        await asyncio.sleep(0.01)
    return os.getpid()


@app.task(queue="testq")
def trace(folder: str, word: str) -> None:
    Path(folder, f"ran-{word}").touch()
"""


@pytest.fixture
def tasks(place):
    with (place.folder / "tasks.py").open("a") as file:
        file.write(MORE)
    return place.app()


def start(place, *options, pool, name=NODE, **environment):
    return place.worker("-P", pool, "-n", name, *options, **environment).wait_ready()


def held_by(place):
    return [int(file.name.rpartition("-")[2]) for file in place.folder.glob("held-by-*")]


def running(place):
    return wait_until("the task to start", lambda: held_by(place))[0]


def ended(result, words):
    with pytest.raises(TaskRevoked, match=words):
        result.get(timeout=60)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("notifications", ["true", "false"])
@pytest.mark.parametrize("pool", POOLS)
def test_what_runs_is_ended_and_its_neighbours_are_not(place, tasks, pool, notifications):
    worker = start(place, "-c", "2", pool=pool, SQLQUEUE_BROKER_NOTIFICATIONS=notifications)
    result = (tasks.ahold if pool == "asyncio" else tasks.hold).delay(str(place.folder))
    pid = running(place)
    neighbour = tasks.hold.delay(str(place.folder))
    waiting = [tasks.trace.delay(str(place.folder), str(n)) for n in range(5)]
    wait_until("the neighbour to start", lambda: neighbour.state == "STARTED")
    result.revoke(terminate=True)
    ended(result, "terminated by SIGTERM")
    assert not neighbour.ready()
    (place.folder / "go").touch()
    assert neighbour.get(timeout=30) != 0
    for one in waiting:
        one.get(timeout=30)
    shown = [tasks.app.jobs.show(one.id).job for one in (result, neighbour, *waiting)]
    assert [(job.attempt, job.crashes) for job in shown] == [(1, 0)] * 7
    if pool == "prefork":
        assert gone(pid)
        assert "killed by" not in worker.output, "nobody is warned of what was asked for"
    assert worker.finish() == 0


@pytest.mark.parametrize("task", ["hold", "ahold"])
def test_what_runs_in_a_solo_pool_is_ended_without_a_time_limit(place, tasks, task):
    worker = start(place, pool="solo")
    result = getattr(tasks, task).delay(str(place.folder))
    assert running(place) == worker.process.pid
    result.revoke(terminate=True)
    ended(result, "terminated by SIGTERM")
    assert tasks.double.delay(2).get(timeout=30) == 4
    assert worker.finish() == 0
    assert "ResourceWarning" not in worker.output


@pytest.mark.parametrize("by", ["SIGKILL", "int", 3])
def test_by_another_signal(place, tasks, by):
    worker = start(place, "-c", "1", pool="prefork")
    result = tasks.hold.delay(str(place.folder))
    pid = running(place)
    tasks.app.control.terminate(result.id, signal=by)
    ended(result, "terminated by SIG(KILL|INT|QUIT)")
    assert gone(pid)
    assert tasks.add.delay(1, 1).get(timeout=30) == 2, "in a child that took its place"
    with pytest.raises(Exception, match="there is no signal 'SIGNONE'"):
        result.revoke(terminate=True, signal="SIGNONE")
    assert worker.finish() == 0


def test_what_catches_the_signal_and_goes_on_is_killed_a_while_later(place, tasks):
    worker = start(place, "-c", "1", pool="prefork")
    result = tasks.stubborn.delay(str(place.folder), "first")
    pid = running(place)
    result.revoke(terminate=True)
    wait_until("the signal", (place.folder / "heard-first").exists)
    assert not gone(pid)
    ended(result, "terminated by SIGKILL")
    assert worker.finish() == 0


def test_what_catches_the_signal_and_ends_spares_its_process(place, tasks):
    worker = start(place, "-c", "1", pool="prefork")
    result = tasks.stubborn.delay(str(place.folder), "second")
    pid = running(place)
    result.revoke(terminate=True)
    wait_until("the signal", (place.folder / "heard-second").exists)
    (place.folder / "go").touch()
    assert result.get(timeout=30) is None, "a job that succeeds all the same is a success"
    assert tasks.hold.delay(str(place.folder)).get(timeout=30) == pid
    assert worker.finish() == 0


def test_sigusr1_lets_a_task_clean_up(place, tasks):
    worker = start(place, "-c", "1", pool="prefork")
    result = tasks.gentle.delay(str(place.folder))
    pid = running(place)
    result.revoke(terminate=True, signal="SIGUSR1")
    ended(result, "revoked while it ran: SoftTimeLimitExceeded")
    assert (place.folder / "cleaned-up").exists()
    (place.folder / "go").touch()
    assert tasks.hold.delay(str(place.folder)).get(timeout=30) == pid
    assert worker.finish() == 0


def test_a_thread_is_told_by_an_exception(place, tasks):
    worker = start(place, "-c", "1", pool="threads")
    result = tasks.hold.delay(str(place.folder))
    running(place)
    result.revoke(terminate=True)
    ended(result, "terminated by SIGTERM")
    assert tasks.add.delay(1, 1).get(timeout=30) == 2, "another thread has taken its place"
    assert worker.finish() == 0


def test_a_terminal_signal_to_the_whole_group_ends_no_job(place, tasks):
    worker = start(place, "-c", "1", pool="prefork")
    result = tasks.hold.delay(str(place.folder))
    pid = running(place)
    os.killpg(worker.process.pid, signal.SIGTERM)
    worker.wait_for("warm shutdown")
    (place.folder / "go").touch()
    assert result.get(timeout=30) == pid
    assert worker.end() == 0


@pytest.mark.parametrize("notifications", ["true", "false"])
@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio", "solo"])
def test_what_is_claimed_and_has_not_started_does_not_start(place, tasks, pool, notifications):
    """The worker is held right behind a claim of several jobs, so that each is claimed and none has started."""
    results = [tasks.trace.delay(str(place.folder), str(n)) for n in range(3)]
    options = [] if pool == "solo" else ["-c", "3"]
    worker = place.worker("-P", pool, "-n", NODE, *options, SQLQUEUE_BROKER_NOTIFICATIONS=notifications)
    worker.hold("claimed")
    worker.wait_ready()
    worker.reached("claimed")
    states = {result.state for result in results[:1]}
    assert states == {"STARTED"}, "claimed"
    results[0].revoke()
    inspect = tasks.app.control.inspect(timeout=30)
    assert inspect.ping(), "which is said after the revocation, so that has been heard"
    worker.release("claimed")
    ended(results[0], "revoked before it started")
    for result in results[1:]:
        result.get(timeout=30)
    assert sorted(file.name for file in place.folder.glob("ran-*")) == ["ran-1", "ran-2"]
    assert worker.finish() == 0


@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio", "solo"])
def test_four_hundred_at_once_while_they_run(place, tasks, pool):
    """Quick tasks are claimed many at a time; whichever are met in the middle, each is over once, and all at once."""
    results = [tasks.brief.delay(n) for n in range(400)]
    options = [] if pool == "solo" else ["-c", "1"]
    worker = start(place, *options, pool=pool)
    wait_until("the first to be over", results[0].ready)
    done = tasks.app.jobs.revoke(Which(ids=[result.id for result in results]))
    assert done.ended or done.running
    states = wait_until("all to be over", lambda: finals(tasks, results))
    assert states.count("REVOKED") >= len(done.ended)
    assert worker.finish() == 0


def finals(tasks, results):
    states = [tasks.app.AsyncResult(result.id).state for result in results]
    return states if set(states) <= {"SUCCESS", "REVOKED"} else None


def test_a_job_of_a_dead_worker_is_ended_by_those_to_come(place, tasks):
    first = start(place, pool="threads", name="first")
    result = tasks.hold.delay(str(place.folder))
    running(place)
    first.kill()
    result.revoke(terminate=True)
    second = start(place, pool="threads", name="second")
    ended(result, "worker first died")
    assert len(held_by(place)) == 1
    assert second.finish() == 0


def test_a_job_that_was_retried_by_hand_is_not_taken_for_the_revoked_one(place, tasks):
    worker = start(place, "-c", "1", pool="prefork")
    result = tasks.hold.delay(str(place.folder))
    running(place)
    result.revoke(terminate=True)
    ended(result, "terminated")
    (place.folder / "go").touch()
    assert tasks.app.jobs.retry(Which(ids=[result.id])) == [result.id]
    assert tasks.app.AsyncResult(result.id).get(timeout=30) > 0
    assert worker.finish() == 0


def test_by_stamps_and_from_a_terminal(place, tasks):
    worker = start(place, "-c", "2", pool="prefork")
    first = tasks.hold.apply_async((str(place.folder),), headers={"order": "17"})
    second = tasks.hold.apply_async((str(place.folder),), headers={"order": "18"})
    wait_until("both to start", lambda: len(held_by(place)) == 2)
    replies = tasks.app.control.revoke_by_stamped_headers({"order": "17"}, terminate=True, reply=True, timeout=30)
    assert replies == [{NODE: {"ok": "tasks stamped order=17 flagged as revoked"}}]
    ended(first, "terminated")
    said = place.run("-A", "tasks", "control", "-t", "30", "terminate", "SIGKILL", second.id)
    assert (said.end(), f"tasks {second.id} flagged as revoked" in said.output) == (0, True)
    ended(second, "terminated by SIGKILL")
    assert worker.finish() == 0
    third, fourth = tasks.add.delay(1, 1), tasks.add.apply_async((2, 2), headers={"order": ["19", "20"]})
    said = place.run("-A", "tasks", "control", "revoke", third.id)
    assert (said.end(), "done in the database" in said.output) == (0, True)
    said = place.run("-A", "tasks", "control", "revoke_by_stamped_headers", "order=20")
    assert said.end() == 0
    for one in (third, fourth):
        ended(one, "revoked")

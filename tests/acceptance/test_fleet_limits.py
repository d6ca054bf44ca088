"""Limits of the whole fleet with real workers: counted by what the tasks themselves wrote down, kills included."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sqlqueue.domain.quota import Quota
from tests.support.processes import wait_until

PATIENCE = 60.0
TASKS = Path(__file__).parent / "fleet_tasks.py"


@pytest.fixture
def tasks(place):
    (place.folder / "tasks.py").write_text(TASKS.read_text())
    return place.app()


def runs_of(place, name, ended_by=()):
    """Return when the runs of a task began and ended; those of a killed process ended at the latest with it.

    Parameters
    ----------
    ended_by: process id and moment of kills.
    """
    found = []
    for path in place.folder.glob(f"{name}-*-*-*"):
        moments = [float(line) for line in path.read_text().split()]
        kill = dict(ended_by).get(int(path.name.split("-")[-3]), time.monotonic())
        if moments:
            found.append((moments[0], moments[1] if len(moments) > 1 else kill))
    return found


def most_at_a_time(runs):
    changes = sorted([(start, 1) for start, _ in runs] + [(end, -1) for _, end in runs])
    at_a_time = most = 0
    for _, change in changes:
        at_a_time += change
        most = max(most, at_a_time)
    return most


def start(place, count, *options):
    return [place.worker("-P", "threads", "-c", "4", "-n", f"w{n}", *options).wait_ready() for n in range(count)]


def test_three_workers_keep_to_a_limit_that_others_do_not_wait_for(place, tasks):
    workers = start(place, 3)
    jobs = [tasks.narrow.delay(str(place.folder), 0.1) for _ in range(30)]
    free = [tasks.add.delay(n, n) for n in range(20)]
    assert [job.get(timeout=PATIENCE) for job in free] == [2 * n for n in range(20)]
    assert any(job.state == "PENDING" for job in jobs), "what is not limited did not wait behind what is"
    for job in jobs:
        job.get(timeout=PATIENCE)
    assert most_at_a_time(runs_of(place, "narrow")) == 2
    assert [worker.finish() for worker in workers] == [0, 0, 0]


def test_limited_jobs_and_others_take_turns(place, tasks):
    """A backlog of the others does not starve them."""
    backlog = tasks.wide.send_many([(str(place.folder), 0.1)] * 40)
    limited = [tasks.narrow.delay(str(place.folder), 0.1) for _ in range(5)]
    worker = place.worker("-P", "threads", "-c", "1").wait_ready()
    for job in limited:
        job.get(timeout=PATIENCE)
    assert backlog[-1].state == "PENDING", "the limited ones did not wait for all others"
    assert worker.finish() == 0


def test_each_key_has_a_limit_of_its_own(place, tasks):
    jobs = [tasks.for_customer.delay(name, str(place.folder)) for _ in range(8) for name in ("acme", "dingo")]
    workers = start(place, 2)
    for job in jobs:
        job.get(timeout=PATIENCE)
    assert most_at_a_time(runs_of(place, "acme")) == 1
    assert most_at_a_time(runs_of(place, "dingo")) == 1
    assert [worker.finish() for worker in workers] == [0, 0]


def test_a_killed_workers_slots_are_free_again_and_the_limit_held(place, tasks):
    """Killed while it holds both slots; the others take them up when its jobs are rescued, not before."""
    first, *others = start(place, 1)
    jobs = [tasks.narrow.delay(str(place.folder), 300.0) for _ in range(2)]
    wait_until("both to run", lambda: len(runs_of(place, "narrow")) == 2)
    others = start(place, 2)
    behind = [tasks.narrow.delay(str(place.folder)) for _ in range(10)]
    tasks.app.queues.limit("task:tasks.narrow", Quota(4))  # the killed ones run again, and take their slots with them
    killed = [(first.process.pid, time.monotonic())]  # by the time that we are told, others may have noticed long ago
    first.kill()
    for job in behind:
        job.get(timeout=PATIENCE)
    assert all(job.state in ("STARTED", "PENDING") for job in jobs)
    assert most_at_a_time(runs_of(place, "narrow", killed)) <= 4
    (limit,) = tasks.app.queues.limits()
    assert limit.running <= 2
    for worker in others:
        worker.kill()


def test_only_so_many_start_in_any_second(place, tasks):
    jobs = [tasks.seldom.delay(str(place.folder)) for _ in range(20)]
    workers = start(place, 3)
    for job in jobs:
        job.get(timeout=PATIENCE)
    starts = sorted(start for start, _ in runs_of(place, "seldom"))
    took = starts[-1] - starts[0]
    assert took > 2.5, f"20 starts at 5 a second took {took:.1f} s"
    # Counted when they are claimed; what comes between that and the start is allowed for.
    windows = [sum(begin <= other < begin + 0.8 for other in starts) for begin in starts]
    assert max(windows) <= 10
    assert [worker.finish() for worker in workers] == [0, 0, 0]


@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_queue_is_limited_live_and_freed_again(place, tasks, notifications):
    workers = [
        place.worker(
            "-P", "threads", "-c", "4", "-n", f"w{n}", SQLQUEUE_BROKER_NOTIFICATIONS=notifications
        ).wait_ready()
        for n in range(2)
    ]
    said = place.run("-A", "tasks", "queue", "limit", "testq", "0")
    assert said.end() == 0
    assert "queue:testq: 0" in said.output
    wait_until("a job that is left alone", lambda: left_alone(tasks), PATIENCE)
    jobs = [tasks.wide.delay(str(place.folder)) for _ in range(12)]
    assert place.run("-A", "tasks", "queue", "limit", "testq", "3").end() == 0
    for job in jobs:
        job.get(timeout=PATIENCE)
    assert most_at_a_time(runs_of(place, "wide")) <= 3
    listed = place.run("-A", "tasks", "limit", "list", "--json")
    assert listed.end() == 0
    assert '"queue:testq"' in listed.output
    assert place.run("-A", "tasks", "queue", "limit", "testq", "--off").end() == 0
    assert tasks.add.delay(2, 2).get(timeout=PATIENCE) == 4
    assert [worker.finish() for worker in workers] == [0, 0]


def left_alone(tasks):
    """Send a job that is to wait for two seconds: then every worker has heard."""
    try:
        tasks.add.delay(1, 1).get(timeout=2)
    except TimeoutError:
        return True
    return False


def test_jobs_of_who_knows_of_no_limit_are_moved_to_a_lane_of_their_own(place, tasks):
    said = place.run("-A", "tasks", "limit", "set", "task:tasks.wide", "1")
    assert said.end() == 0
    jobs = [tasks.wide.delay(str(place.folder), 0.03) for _ in range(15)]
    workers = start(place, 2)
    for job in jobs:
        job.get(timeout=PATIENCE)
    assert most_at_a_time(runs_of(place, "wide")) == 1
    assert tasks.add.delay(2, 2).get(timeout=PATIENCE) == 4
    assert [worker.finish() for worker in workers] == [0, 0]

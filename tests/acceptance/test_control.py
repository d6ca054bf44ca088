"""Real workers changed while they run: queues, limits, pools, the end."""

import json

import pytest

from tests.support.processes import wait_until

PATIENCE = 20.0
NODE = "one@here"


def start(place, *options, pool="threads", name=NODE, **environment):
    return place.worker("-P", pool, "-n", name, *options, **environment).wait_ready()


def held_by(place):
    return [int(file.name.rpartition("-")[2]) for file in place.folder.glob("held-by-*")]


def children(steer, number):
    """The pids of the children when there are so many; a worker is ready when it has one."""
    pids = set(steer.ask("stats")["pool"]["processes"])
    return len(pids) == number and pids


class Steering:
    """What a test says to the one worker, and what it hears."""

    def __init__(self, app):
        self.app = app

    def __call__(self, name, *arguments, **named):
        (reply,) = getattr(self.app.control, name)(*arguments, **named, reply=True, timeout=PATIENCE)
        return reply[NODE]

    def ask(self, question):
        return getattr(self.app.control.inspect(NODE, timeout=PATIENCE), question)()


@pytest.fixture
def tasks(place):
    return place.app()


@pytest.fixture
def steer(tasks):
    return Steering(tasks.app)


@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_queue_is_served_and_let_go_live(place, tasks, steer, notifications):
    worker = start(place, SQLQUEUE_BROKER_NOTIFICATIONS=notifications)
    other = tasks.add.apply_async((1, 1), queue="mails")
    assert steer("add_consumer", "mails") == {"ok": "add consumer mails"}
    assert other.get(timeout=30) == 2
    assert steer("add_consumer", "mails") == {"ok": "already consuming from 'mails'"}
    assert [queue["name"] for queue in steer.ask("active_queues")] == ["testq", "mails"]
    assert [one.queues for one in tasks.app.queues.workers()] == [["testq", "mails"]]
    assert tasks.add.apply_async((2, 2), queue="mails").get(timeout=30) == 4, "it hears of this one"
    assert steer("cancel_consumer", "mails") == {"ok": "no longer consuming from mails"}
    left = tasks.add.apply_async((3, 3), queue="mails")
    assert tasks.add.delay(4, 4).get(timeout=30) == 8
    assert left.state == "PENDING"
    tasks.app.queues.pause("mails")
    assert steer("add_consumer", "mails")["ok"]
    wait_until("the pause to be seen", lambda: "no longer claims from mails" in worker.output)
    tasks.app.queues.resume("mails")
    assert left.get(timeout=30) == 6
    assert worker.finish() == 0


def test_a_weighted_worker_serves_another_queue(place, tasks, steer):
    worker = place.run(
        "-A", "tasks", "worker", "--loglevel=info", "-Q", "testq=3,low=1", "-P", "threads", "-n", NODE
    ).wait_ready()
    assert steer("add_consumer", "mails")["ok"]
    assert tasks.add.apply_async((1, 1), queue="mails").get(timeout=30) == 2
    assert tasks.add.apply_async((1, 2), queue="low").get(timeout=30) == 3
    assert worker.finish() == 0


def test_one_that_serves_nothing_goes_on(place, tasks, steer):
    worker = start(place)
    assert steer("cancel_consumer", "testq")["ok"]
    result = tasks.add.delay(1, 1)
    assert steer.ask("active_queues") == []
    assert result.state == "PENDING"
    assert steer("add_consumer", "testq")["ok"]
    assert result.get(timeout=30) == 2
    assert worker.finish() == 0


def test_a_rate_limit(place, tasks, steer):
    worker = start(place)
    assert steer("rate_limit", "tasks.add", "1/h") == {"ok": "new rate limit set successfully"}
    first, second = tasks.add.delay(1, 1), tasks.add.delay(2, 2)
    assert first.get(timeout=30) == 2
    assert tasks.double.delay(4).get(timeout=30) == 8
    assert second.state in ("PENDING", "STARTED")
    assert not second.ready()
    assert steer("rate_limit", "tasks.add", 0) == {"ok": "rate limit disabled successfully"}
    assert tasks.add.delay(3, 3).get(timeout=30) == 6
    assert steer("rate_limit", "no.such", "1/m") == {"error": "unknown task"}
    assert "use a number, or such as 10/s" in steer("rate_limit", "tasks.add", "often")["error"]
    assert worker.finish() == 0


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_time_limit(place, tasks, steer, pool):
    worker = start(place, pool=pool)
    assert steer("time_limit", "tasks.hold", soft=0.1, hard=0.5) == {"ok": "time limits set successfully"}
    result = tasks.hold.delay(str(place.folder))
    with pytest.raises(Exception, match="time limit"):
        result.get(timeout=30)
    assert steer("time_limit", "no.such", hard=1.0) == {"error": "unknown task"}
    assert "more than time_limit" in steer("time_limit", "tasks.add", soft=5, hard=1)["error"]
    (place.folder / "go").touch()
    assert worker.finish() == 0


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_pool_grows_and_shrinks(place, tasks, steer, pool):
    worker = start(place, "-c", "1", pool=pool)
    assert steer("pool_grow", 2) == {"ok": "pool will grow"}
    assert steer.ask("stats")["pool"]["max-concurrency"] == 3
    held = [tasks.hold.delay(str(place.folder)) for _ in range(3)]
    wait_until("three to run at a time", lambda: len(steer.ask("active")) == 3)
    assert steer("pool_shrink", 2) == {"ok": "pool will shrink"}
    (place.folder / "go").touch()
    assert len({result.get(timeout=30) for result in held}) == (3 if pool == "prefork" else 1)
    assert steer.ask("stats")["pool"]["max-concurrency"] == 1
    wait_until("one process", lambda: len(steer.ask("stats")["pool"]["processes"]) == 1)
    assert "cannot shrink by 1" in steer("pool_shrink")["error"]
    assert tasks.add.delay(1, 1).get(timeout=30) == 2
    assert worker.finish() == 0


def test_a_pool_without_room_or_a_second_slot_says_so(place, tasks, steer):
    worker = start(place, "-c", "1", pool="prefork")
    assert "this pool has room for" in steer("pool_grow", 1000)["error"]
    assert "this pool has room for" in steer("autoscale", 1000, 1)["error"]
    assert worker.finish() == 0
    solo = start(place, pool="solo")
    assert "one job at a time" in steer("pool_grow")["error"]
    assert "a solo pool has no children" in steer("pool_restart")["error"]
    assert solo.finish() == 0


def test_children_are_replaced_after_their_present_jobs(place, tasks, steer):
    worker = start(place, "-c", "2", pool="prefork")
    before = wait_until("two children", lambda: children(steer, 2))
    result = tasks.hold.delay(str(place.folder))
    (pid,) = wait_until("the task to start", lambda: held_by(place))
    assert steer("pool_restart") == {"ok": "reload started"}
    wait_until("new children", lambda: len(set(steer.ask("stats")["pool"]["processes"]) - before) == 2)
    assert tasks.add.delay(1, 1).get(timeout=30) == 2, "by one of them"
    (place.folder / "go").touch()
    assert result.get(timeout=30) == pid
    wait_until("the old ones to be gone", lambda: not before & set(steer.ask("stats")["pool"]["processes"]))
    assert len(steer.ask("stats")["pool"]["processes"]) == 2
    assert (
        "SIGHUP"
        in tasks.app.control.broadcast("pool_restart", {"modules": ["tasks"]}, reply=True, timeout=PATIENCE)[0][NODE][
            "error"
        ]
    )
    assert worker.finish() == 0


def test_autoscale_is_turned_on_live(place, tasks, steer):
    worker = start(place, "-c", "1", pool="threads")
    assert steer("autoscale", 4, 2) == {"ok": "autoscale now max=4 min=2"}
    pool = steer.ask("stats")["pool"]
    assert (pool["max-concurrency"], pool["autoscaler"]) == (2, {"max": 4, "min": 2})
    held = [tasks.hold.delay(str(place.folder)) for _ in range(4)]
    wait_until("four to run at a time", lambda: len(steer.ask("active")) == 4)
    assert "Adjust autoscale range" in steer("pool_grow")["error"]
    assert "use MOST FEWEST" in steer("autoscale", 1, 2)["error"]
    (place.folder / "go").touch()
    assert {result.get(timeout=30) for result in held} == {worker.process.pid}
    assert worker.finish() == 0


def test_a_worker_is_shut_down_and_its_successor_is_not(place, tasks, steer):
    worker = start(place, pool="prefork")
    result = tasks.hold.delay(str(place.folder))
    (pid,) = wait_until("the task to start", lambda: held_by(place))
    assert steer("shutdown") == {"ok": "shutting down"}
    second = start(place, pool="prefork")
    (place.folder / "go").touch()
    assert worker.end() == 0
    assert result.get(timeout=30) == pid
    assert steer("heartbeat") == {"ok": "beat"}
    assert tasks.add.delay(1, 1).get(timeout=30) == 2
    assert second.finish() == 0


def test_without_waiting_for_a_reply(place, tasks, steer):
    worker = start(place)
    assert tasks.app.control.add_consumer("mails") is None
    assert tasks.add.apply_async((1, 1), queue="mails").get(timeout=30) == 2
    assert worker.finish() == 0


def test_the_same_from_a_terminal(place, tasks):
    worker = start(place, "-c", "1")

    def say(*words, code=0):
        said = place.run("-A", "tasks", "control", "-t", "20", *words)
        assert said.end() == code, said.output
        return said.output

    assert say("add_consumer", "mails") == f"{NODE}: OK\n    add consumer mails\n\n1 worker replied\n"
    assert json.loads(say("--json", "pool_grow", "2")) == {NODE: {"ok": "pool will grow"}}
    assert "time limits set" in say("time_limit", "tasks.add", "10", "20.5")
    assert "new rate limit" in say("rate_limit", "tasks.add", "10/m")
    assert "'x' is no n" in say("pool_grow", "x", code=1)
    assert "active is a command of: sqlqueue inspect active" in say("active", code=1)
    assert "ERROR\n    unknown task" in say("rate_limit", "no.such", "1", code=1)
    assert "an argument is missing: add_consumer <queue>" in say("add_consumer", code=1)
    assert "autoscale <most> [fewest]" in say("--list")
    assert "shutting down" in say("shutdown", "-d", NODE)
    assert worker.end() == 0
    assert "no worker replied" in say("pool_grow", code=69)

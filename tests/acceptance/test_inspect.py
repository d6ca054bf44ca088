"""Real workers asked about themselves, in the shapes of Celery's answers."""

import datetime as dt
import json
import re

import pytest

from sqlqueue.domain.clock import SYSTEM_CLOCK
from tests.support.processes import wait_until

PATIENCE = 20.0
NODE = "one@here"

REQUEST = {
    "name": "tasks.hold", "kwargs": {}, "type": "tasks.hold", "hostname": NODE,
    "delivery_info": {"exchange": "", "routing_key": "testq", "priority": 0, "redelivered": False},
}  # fmt: skip


def start(place, *options, pool="threads", name=NODE, **environment):
    return place.worker("-P", pool, "-n", name, *options, **environment).wait_ready()


def held_by(place):
    return list(place.folder.glob("held-by-*"))


@pytest.fixture
def one(place):
    """A worker that runs one job while two wait."""
    tasks = place.app()
    worker = start(place, "-c", "1", pool="prefork")
    running = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    return tasks, worker, running, tasks.app.control.inspect(timeout=PATIENCE)


def test_every_worker_says_pong_and_nobody_is_waited_for_in_vain(place):
    tasks = place.app()
    control = tasks.app.control
    assert control.ping(timeout=PATIENCE) == []
    assert control.inspect(timeout=PATIENCE).ping() is None
    workers = [start(place, name="one@here"), start(place, name="two@here")]
    assert sorted(control.ping(timeout=PATIENCE), key=str) == [
        {"one@here": {"ok": "pong"}},
        {"two@here": {"ok": "pong"}},
    ]
    assert control.ping(["two@here"], timeout=PATIENCE) == [{"two@here": {"ok": "pong"}}]
    assert control.inspect("two@here", timeout=PATIENCE).ping() == {"ok": "pong"}
    assert control.inspect(["two@here"], timeout=PATIENCE).ping() == {"two@here": {"ok": "pong"}}
    assert control.inspect(pattern="o*", timeout=PATIENCE).ping() == {"one@here": {"ok": "pong"}}
    assert control.inspect(pattern="tw?o@", matcher="pcre", timeout=PATIENCE).ping() == {"two@here": {"ok": "pong"}}
    assert control.inspect("three@here", timeout=PATIENCE).ping() is None
    heard: list[dict[str, object]] = []
    assert len(control.broadcast("ping", reply=True, limit=1, timeout=PATIENCE, callback=heard.append)) == 1
    assert heard[0] in [{"one@here": {"ok": "pong"}}, {"two@here": {"ok": "pong"}}]
    assert [worker.finish() for worker in workers] == [0, 0]


@pytest.mark.parametrize("pool", ["threads", "prefork", "asyncio", "solo"])
def test_what_runs_what_waits_and_what_is_known_of_them(place, pool):
    tasks = place.app()
    options = [] if pool == "solo" else ["-c", "1"]
    worker = start(place, *options, pool=pool)
    inspect = tasks.app.control.inspect(timeout=PATIENCE)
    assert inspect.active() == inspect.reserved() == {NODE: []}
    running = tasks.hold.delay(str(place.folder))
    (file,) = wait_until("the task to start", lambda: held_by(place))
    pid = int(file.name.rpartition("-")[2])
    (found,) = inspect.active()[NODE]
    started = found.pop("time_start")
    assert abs(started - file.stat().st_mtime) < 20
    wanted = {**REQUEST, "id": running.id, "args": [str(place.folder)], "acknowledged": False, "worker_pid": pid}
    assert found == wanted
    assert inspect.query_task(running.id, "no such job") == {
        NODE: {running.id: ["active", {**wanted, "time_start": started}]}
    }
    (place.folder / "go").touch()
    assert running.get(timeout=30) == pid
    assert inspect.query_task([running.id]) == {NODE: {}}
    assert worker.finish() == 0


def test_a_claimed_job_that_has_not_started_is_reserved(place):
    tasks = place.app()
    results = [tasks.brief.delay(n) for n in range(300)]
    worker = start(place, "-c", "1")
    inspect = tasks.app.control.inspect(timeout=PATIENCE)
    reserved = wait_until("some to be reserved", lambda: inspect.reserved()[NODE])
    assert {one["id"] for one in reserved} <= {result.id for result in results}
    assert (reserved[0]["time_start"], reserved[0]["worker_pid"], reserved[0]["acknowledged"]) == (None, None, False)
    assert results[-1].get(timeout=60) == 299
    assert worker.finish() == 0


def test_what_is_not_due_is_scheduled(place):
    tasks = place.app()
    worker = start(place)
    eta = SYSTEM_CLOCK.now().replace(microsecond=123456) + dt.timedelta(hours=1)
    result = tasks.add.apply_async((1,), {"y": 2}, eta=eta, priority=3)
    tasks.add.apply_async((1, 1), queue="elsewhere", countdown=60)
    ((found,),) = tasks.app.control.inspect(timeout=PATIENCE).scheduled().values()
    assert found["eta"] in (eta.isoformat(), eta.replace(microsecond=123000).isoformat())
    request = found["request"]
    assert (request["id"], request["args"], request["kwargs"]) == (result.id, [1], {"y": 2})
    assert (request["time_start"], request["delivery_info"]["priority"]) == (None, 3)
    assert worker.finish() == 0


def test_tasks_and_queues(place):
    tasks = place.app()
    worker = start(place, "-Q", "other")
    inspect = tasks.app.control.inspect(timeout=PATIENCE)
    assert inspect.registered()[NODE] == sorted(tasks.app.tasks)
    assert all(re.fullmatch(r"\S+ \[name=\S+\]", info) for info in inspect.registered("name")[NODE])
    assert set(inspect.call("registered", builtins=True)[NODE]) > set(tasks.app.tasks)
    queues = inspect.active_queues()[NODE]
    assert [queue["name"] for queue in queues] == ["testq", "other"]
    assert (queues[0]["exchange"]["type"], queues[0]["routing_key"]) == ("direct", "testq")
    assert worker.finish() == 0


def test_how_it_is(one, place):
    _, worker, _, inspect = one
    (stats,) = inspect.stats().values()
    assert (stats["pid"], stats["total"], stats["pool"]["max-concurrency"]) == (
        worker.process.pid,
        {"tasks.hold": 1},
        1,
    )
    (file,) = held_by(place)
    assert [str(pid) for pid in stats["pool"]["processes"]] == [file.name.rpartition("-")[2]]
    assert stats["uptime"] >= 0
    assert stats["broker"]["transport"] in ("sqlite", "postgresql")
    assert stats["rusage"]["maxrss"] > 0
    assert inspect.clock()[NODE]["clock"] > 0
    assert re.fullmatch(r"\d+\.\dMB", inspect.memsample()[NODE])
    assert len(inspect.memdump()[NODE]) == 1
    assert "no objgraph" in inspect.objgraph()[NODE]["error"]
    (place.folder / "go").touch()
    assert worker.finish() == 0


def test_settings_and_versions_without_secrets(place):
    tasks = place.app()
    worker = start(place, SQLQUEUE_TASK_TIME_LIMIT="77")
    inspect = tasks.app.control.inspect(timeout=PATIENCE)
    conf = inspect.conf()[NODE]
    assert conf["task_time_limit"] == "77.0" or float(conf["task_time_limit"]) == 77
    assert "worker_pool" not in conf
    assert "worker_pool" in inspect.conf(with_defaults=True)[NODE]
    assert "tasks.hold" in inspect.report()[NODE]["ok"]
    assert worker.finish() == 0


def test_what_was_revoked_lately(one, place):
    tasks, worker, running, inspect = one
    waiting = tasks.add.delay(1, 1)
    kept = tasks.add.delay(2, 2)
    waiting.revoke()
    running.revoke()
    assert set(inspect.revoked()[NODE]) == {waiting.id, running.id}
    (place.folder / "go").touch()
    assert kept.get(timeout=30) == 4
    assert worker.finish() == 0


@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_worker_is_found_that_hears_nothing(place, notifications):
    """By polling, as behind a transaction pooler, and within the time that is waited for by default."""
    tasks = place.app()
    worker = start(place, SQLQUEUE_BROKER_NOTIFICATIONS=notifications)
    tasks.app.conf.broker_notifications = notifications == "true"
    inspect = tasks.app.control.inspect(timeout=PATIENCE)
    assert inspect.ping() == {NODE: {"ok": "pong"}}
    assert tasks.app.queues.pause("testq") is None
    wait_until("the pause", lambda: "no longer claims from testq" in worker.output)
    assert inspect.ping() == {NODE: {"ok": "pong"}}
    assert worker.finish() == 0


def test_who_starts_later_does_not_hear_what_was_said_before(place):
    tasks = place.app()
    first = start(place)
    assert tasks.app.control.broadcast("boom") is None
    wait_until("an answer", lambda: tasks.app.control.ping(timeout=PATIENCE))
    assert first.finish() == 0
    second = start(place, SQLQUEUE_BROKER_NOTIFICATIONS="false")
    assert tasks.app.control.ping(timeout=PATIENCE) == [{NODE: {"ok": "pong"}}]
    assert second.finish() == 0


CUSTOM = """

@app.inspect_command
def seen(panel, number: int = 1, *, word: str = "x"):
    return [panel.hostname, number * 2, word]


@app.control_command(name="fall", signature="[WHY]")
def fail_on_purpose(panel, why="no reason"):
    raise ValueError(why)
"""


def test_commands_of_ones_own(place):
    with (place.folder / "tasks.py").open("a") as file:
        file.write(CUSTOM)
    tasks = place.app()
    worker = start(place)
    inspect = tasks.app.control.inspect(timeout=PATIENCE)
    assert inspect.call("seen") == {NODE: [NODE, 2, "x"]}
    assert inspect.call("seen", number=4, word="y") == {NODE: [NODE, 8, "y"]}
    assert inspect.call("fall", why="the test") == {NODE: {"error": "ValueError: the test"}}
    assert "unexpected keyword" in inspect.call("seen", nonsense=1)[NODE]["error"]
    assert inspect.call("nonsense") == {NODE: {"error": "there is no command 'nonsense'"}}
    assert inspect.ping() == {NODE: {"ok": "pong"}}, "it goes on"
    assert worker.finish() == 0


def test_the_same_from_a_terminal(place):
    nobody = place.run("status", "-t", "9")
    assert (nobody.end(), nobody.output) == (
        69,
        "Error: no worker replied in time; sqlqueue list workers shows who lives\n",
    )
    worker = start(place)
    asked = place.run("-A", "tasks", "status", "-t", "20")
    assert (asked.end(), asked.output) == (0, f"{NODE}: OK\n    pong\n\n1 worker replied\n")
    asked = place.run("-A", "tasks", "inspect", "-t", "20", "--json", "-d", f"{NODE}, two@here", "query_task", "a", "b")
    assert (asked.end(), json.loads(asked.output)) == (0, {NODE: {}})
    asked = place.run("-A", "tasks", "inspect", "-t", "20", "registered")
    assert asked.end() == 0
    assert "    tasks.add\n" in asked.output
    for words, wanted in (
        (["inspect", "activ"], "there is no command 'activ' to inspect with: did you mean 'active'?"),
        (["inspect", "query_task"], "an argument is missing: query_task [ids...]"),
        (["inspect", "ping", "x"], "'x' is too much: ping"),
        (["inspect"], "say what to ask"),
    ):
        wrong = place.run("-A", "tasks", *words)
        assert wrong.end() in (1, 2)
        assert wanted in wrong.output
    refused = place.run("-A", "tasks", "inspect", "-t", "20", "objgraph")
    assert refused.end() == 1
    assert f"{NODE}: ERROR\n    there is no objgraph here" in refused.output
    known = place.run("-A", "tasks", "inspect", "--list")
    assert known.end() == 0
    assert "query_task [ids...]" in known.output
    assert worker.finish() == 0

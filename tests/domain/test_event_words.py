"""Events in Celery's words, and what is made of a stream of them."""

import pickle
from typing import TYPE_CHECKING

import pytest

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.job import Job, NewJob
from sqlqueue.events import told as room
from sqlqueue.events.catalog import JobCrashed, JobFailed, JobRetried, JobReturned, JobRevoked, JobSucceeded
from sqlqueue.events.state import State
from sqlqueue.events.stream import ended, received, sent, shown, shown_args

if TYPE_CHECKING:
    from sqlqueue.events.told import Worker

JOB = Job("i", 1, "q", 0, "shop.add", "[1,2]", '{"a":null}', None, None, None, None, None, 1, 2, 0, 3, True, False, 7)


@pytest.mark.parametrize(
    ("event", "type_", "fields"),
    [
        (JobSucceeded("i", "t", 0.5, '{"a":true}'), "task-succeeded", {"result": "{'a': True}", "runtime": 0.5}),
        (JobSucceeded("i", "t", 0.5, None), "task-succeeded", {"result": "None"}),
        (JobFailed("i", "t", "E: x", "Trace", 0.1), "task-failed", {"exception": "E: x", "traceback": "Trace"}),
        (JobRetried("i", "t", 3.0, "E: x", "T", 0.1), "task-retried", {"exception": "E: x", "traceback": "T"}),
        (
            JobRevoked("i", "t", "terminated by SIGKILL"),
            "task-revoked",
            {"terminated": True, "signum": "SIGKILL", "expired": False},
        ),
        (JobRevoked("i", "t", "expired before it started"), "task-revoked", {"terminated": False, "expired": True}),
        (JobReturned("i", "t", "busy", 1.0), "task-rejected", {"requeue": True, "reason": "busy"}),
        (JobCrashed("i", "t", "died", False), "task-rejected", {"requeue": True}),
        (JobCrashed("i", "t", "died", True), "task-failed", {"exception": "WorkerLost: died"}),
    ],
)
def test_what_became_of_a_run(event, type_, fields):
    found, said = ended(event)
    assert (found, said["uuid"]) == (type_, "i")
    assert {name: said[name] for name in fields} == fields


def test_a_claimed_job_and_a_sent_one():
    said = received(JOB._replace(moments='{"eta":"2026-01-01","expires":null}', options='{"shadow":"other"}'))
    assert (said["name"], said["args"], said["kwargs"]) == ("other", "(1, 2)", "{'a': None}")
    assert (said["eta"], said["expires"], said["retries"], said["root_id"]) == ("2026-01-01", None, 2, "i")
    hidden = JOB._replace(options='{"argsrepr":"(***)","kwargsrepr":"{***}"}')
    assert [received(hidden)[name] for name in ("args", "kwargs")] == ["(***)", "{***}"], "a secret is not told"
    said = sent(NewJob("i", "shop.add", "q", "[1]", options='{"argsrepr":"(***)"}'))
    assert (said["queue"], said["args"], said["kwargs"], said["parent_id"]) == ("q", "(***)", "{}", None)


@pytest.mark.parametrize("text", ["{", "[1,", '"x', "", '["' + "x" * 30_000 + '"]'])
def test_what_cannot_be_read_or_is_long_is_shown_as_it_stands(text):
    assert shown(text)[:1000] == shown_args(text)[:1000] == text[:1000]
    assert len(shown(text)) <= 1024


def play(*events):
    """Return the state after these; each is type, id or name, moment, and more fields."""
    state = State()
    for type_, who, at, *more in events:
        key = "uuid" if type_.startswith("task") else "hostname"
        state.event({"type": type_, "hostname": "w", key: who, "timestamp": at, **dict(*more)})
    return state


def test_a_task_goes_through_its_states_and_keeps_what_it_was_told():
    state = play(
        ("task-sent", "a", 1.0, {"name": "t", "args": "(1,)", "queue": "q"}),
        ("task-received", "a", 2.0, {"name": "t", "args": "(1,)"}),
        ("task-started", "a", 3.0, {"pid": 7}),
        ("task-succeeded", "a", 4.0, {"result": "5", "runtime": 0.5}),
    )
    (task,) = state.tasks.values()
    assert (task.state, task.name, task.result, task.runtime, task.queue) == ("SUCCESS", "t", "5", 0.5, "q")
    assert (task.sent, task.received, task.started, task.succeeded, task.failed) == (1.0, 2.0, 3.0, 4.0, None)
    assert (task.worker.hostname, task.ready, state.event_count, state.task_count) == ("w", True, 4, 1)
    assert task.info()["result"] == "5"
    assert task.as_dict()["client"] == "w"


def test_events_out_of_order_do_not_turn_a_task_back():
    state = play(
        ("task-succeeded", "a", 4.0, {"result": "5"}),
        ("task-received", "a", 2.0, {"name": "t", "retries": 1}),
        ("task-started", "a", 3.0),
    )
    (task,) = state.tasks.values()
    assert (task.state, task.name, task.timestamp, task.started) == ("SUCCESS", "t", 4.0, 3.0)


def test_a_retried_task_runs_again():
    state = play(
        ("task-started", "a", 1.0), ("task-retried", "a", 2.0, {"exception": "E"}), ("task-started", "a", 3.0)
    )  # fmt: skip
    assert state.tasks["a"].state == "STARTED"


def test_tasks_by_time_by_type_by_worker_and_forgotten():
    state = play(
        ("task-received", "a", 1.0, {"name": "x"}),
        ("task-received", "b", 3.0, {"name": "y"}),
        ("task-succeeded", "a", 2.0),
    )
    assert [uuid for uuid, _ in state.tasks_by_timestamp()] == ["b", "a"]
    assert [uuid for uuid, _ in state.tasks_by_time(limit=1, reverse=False)] == ["a"]
    assert [uuid for uuid, _ in state.tasks_by_type("x")] == ["a"]
    assert [uuid for uuid, _ in state.tasks_by_worker("w")] == ["b", "a"]
    assert [uuid for uuid, _ in state.itertasks()] == ["b", "a"], "last heard of last"
    assert state.task_types() == ["x", "y"]
    state.clear()
    assert list(state.tasks) == ["b"]
    state.clear(ready=False)
    assert (list(state.tasks), list(state.workers), state.event_count) == ([], [], 0)


def test_no_more_are_remembered_than_there_is_room():
    state = State(max_tasks_in_memory=2)
    for uuid in ("a", "b", "a", "c"):
        state.event({"type": "task-received", "hostname": "w", "uuid": uuid, "timestamp": 1.0})
    assert list(state.tasks) == ["a", "c"]


def test_a_worker_lives_for_two_of_its_beats(monkeypatch):
    now = SYSTEM_CLOCK.now().timestamp()
    beat = {"freq": 2.0, "active": 3, "processed": 9, "pid": 7, "loadavg": [0.1, 0.2, 0.3]}
    state = play(("worker-online", "w", now), ("worker-heartbeat", "w", now, beat))
    worker = state.workers["w"]
    assert (worker.alive, worker.active, worker.processed, worker.pid) == (True, 3, 9, 7)
    assert state.alive_workers() == [worker]
    monkeypatch.setattr(room, "_now", lambda: now + 4.5)
    assert (state.alive_workers(), worker.status_string) == ([], "OFFLINE")
    monkeypatch.undo()
    state.event({"type": "worker-offline", "hostname": "w", "timestamp": now})
    assert not worker.alive


def test_who_joins_and_leaves_is_said():
    joined: list[Worker] = []
    left: list[Worker] = []
    state = State(on_node_join=joined.append, on_node_leave=left.append)
    for type_, name in (("offline", "unknown"), ("heartbeat", "w"), ("online", "v"), ("offline", "w")):
        state.event({"type": f"worker-{type_}", "hostname": name, "timestamp": 1.0})
    assert ([one.hostname for one in joined], [one.hostname for one in left]) == (["w", "v"], ["unknown", "w"])
    assert list(state.workers) == ["v"]


def test_it_is_kept_in_a_file_and_held_still():
    state = play(("task-received", "a", 1.0, {"name": "x"}))
    state.event_callback = lambda *_: None
    again = pickle.loads(pickle.dumps(state))
    assert (again.tasks["a"].name, again.event_count, again.event_callback) == ("x", 1, None)
    assert (
        [task.uuid for task in again.tasks_by_type["x"]] == [task.uuid for task in again.tasks_by_worker["w"]] == ["a"]
    )
    assert again.freeze_while(lambda: again.event_count, clear_after=True) == 1
    assert again.event_count == 0


@pytest.mark.parametrize(
    "event", [{"type": "worker-online"}, {"type": "task-sent"}, {"type": "task-sent", "uuid": "a"}]
)
def test_what_says_not_of_whom_it_is_counts_and_changes_nothing(event):
    state = State()
    assert state.event(event) == ((None, False), event["type"].partition("-")[2])
    assert (state.event_count, list(state.workers), list(state.tasks)) == (1, [], [])


def test_others_are_counted_and_what_was_dropped_too():
    heard = []
    state = State(callback=lambda _, event: heard.append(event["type"]))
    for type_ in ("events-dropped", "shop-packed", "task-of-mine"):
        state.event({"type": type_, "hostname": "w", "count": 5, "timestamp": 1.0})
    assert (state.event_count, state.dropped, heard) == (3, 5, ["events-dropped", "shop-packed", "task-of-mine"])

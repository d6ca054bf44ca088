"""Celery's layout over ours: what a ported project does, on both databases; `make celery-suite` asks for more."""

import pickle
import threading

import pytest

from sqlqueue.celery import Celery, Task, canvas, chain, chord, current_app, group, shared_task, signature, states
from sqlqueue.celery.contrib.testing.worker import start_worker
from sqlqueue.celery.exceptions import (
    ChordError,
    ImproperlyConfigured,
    MaxRetriesExceededError,
    NotRegistered,
    TaskRevokedError,
    TimeoutError,  # noqa: A004 - Celery's name
    WorkerLostError,
)
from sqlqueue.celery.result import AsyncResult, EagerResult, GroupResult, ResultSet, result_from_tuple
from sqlqueue.celery.worker import state
from sqlqueue.errors import ConfigError, ResultTimeout, TaskRevoked, WorkerLost
from tests.support.processes import wait_until

PATIENCE = 30


def get(result):
    return result.get(timeout=PATIENCE)


def test_errors_are_ours_under_celerys_names():
    assert (TimeoutError, TaskRevokedError) == (ResultTimeout, TaskRevoked)
    assert (ImproperlyConfigured, WorkerLostError) == (ConfigError, WorkerLost)


def test_a_shared_task_belongs_to_every_app(celery, add, database_url):
    with Celery("other", broker=database_url, set_as_current=False) as other:
        assert (celery.tasks["add"], other.tasks["add"]) == (celery.tasks["add"], other.tasks["add"])
        assert celery.tasks["add"] is not other.tasks["add"]
        assert current_app.main == "proj"
        assert add.app is celery
        other.set_current()
        assert add.app is other
    assert (add(1, 2), add.name, add.favourite) == (3, "add", "blue")
    assert isinstance(add, Task)


def test_calls_go_to_the_queue_celery_and_are_acknowledged_early(celery, add):
    job = celery.jobs.show(add.delay(1).id)
    assert (job.job.queue, job.acks_late, job.max_crashes) == ("celery", False, 1)


def test_results_and_their_classes(celery, add, worker):
    result = add.delay(1, 2)
    assert isinstance(result, AsyncResult)
    assert get(result) == 3
    assert AsyncResult(result.id).state == states.SUCCESS
    assert result.backend.get_task_meta(result.id)["result"] == 3
    assert get(ResultSet([result, add.delay(2)])) == [3, 2]
    found = group(add.s(1), add.s(2)).delay()
    assert isinstance(found, GroupResult)
    assert isinstance(found, ResultSet)
    found.save()
    assert get(GroupResult.restore(found.id)) == get(celery.GroupResult.restore(found.id)) == [1, 2]
    again = pickle.loads(pickle.dumps([result, found, ResultSet([result])]))
    assert [get(one) for one in again] == [3, [1, 2], [3]], "handles of the current app"
    assert result_from_tuple(result.as_tuple()) == result
    assert isinstance(add.apply((1,)), EagerResult)
    wait_until("the state", lambda: result.id in state.successful_requests)


def test_signatures_that_name_no_app_are_sent_by_the_current_one(celery, add, worker):
    assert get(signature("add", (1,)).delay(2)) == 3
    assert get((signature("add", (1,)) | signature("add", (2,))).delay(2)) == 5
    assert canvas.maybe_signature(dict(add.s(1))) == add.s(1)


def test_options_of_celerys_messages_travel_as_properties(celery, worker):
    @shared_task(name="shown", bind=True)
    def shown(task):
        request = task.request
        return [request.properties.get("app_id"), request.headers.get("x"), request.eta is not None]

    with pytest.raises(NotRegistered):
        celery.tasks["nobody"]
    assert celery.tasks["shown"].apply_async(app_id="a", headers={"x": 1}, countdown=0.01).id is not None
    found = celery.tasks["shown"].apply((), app_id="a", headers={"x": 1}, exchange="e", routing_key="r")
    assert get(found) == ["a", 1, False]


def test_a_failed_member_raises_its_own_error_through_the_chord(celery, add, broken, worker):
    sent = chord([add.s(1), broken.s()], add.s(0)).apply_async()
    with pytest.raises(KeyError):
        get(sent)
    with pytest.raises(ChordError):
        sent.get(timeout=PATIENCE, follow_parents=False)


def test_a_class_is_a_task_and_tries_again(celery, add):
    class Shy(Task):
        name = "shy"
        autoretry_for = (ValueError,)
        retry_kwargs = {"max_retries": 1, "countdown": 0}  # noqa: RUF012 - as users write it

        def run(self, x):
            if not self.request.retries:
                raise ValueError("not yet")
            return [x, self.request.retries, self.app.main]

    shy = celery.register_task(Shy())
    assert shy.apply((7,)).get() == [7, 1, "proj"]
    assert celery.tasks["shy"] is shy
    assert (shy.max_retries, shy(1) if shy.request.retries else None) == (1, None)


def test_a_replacement_counts_and_an_empty_one_is_refused(celery, worker):
    @celery.task(name="deeper", bind=True)
    def deeper(task, times):
        if times:
            task.replace(task.s(times - 1))
        return task.request.replaced_task_nesting

    @celery.task(name="empty", bind=True)
    def empty(task):
        task.replace(chain())

    for task, args, wanted in ((deeper, (2,), None), (empty, (), "empty chain")):
        if wanted is not None:
            with pytest.raises(ImproperlyConfigured, match=wanted):
                task.apply(args, throw=True)


def test_limits_that_contradict_each_other_are_refused_when_the_task_is_called(celery):
    @celery.task(soft_time_limit=2, time_limit=1)
    def odd():
        pass

    with pytest.raises(ValueError, match="soft_time_limit must be less than or equal to time_limit"):
        odd.delay()
    with pytest.raises(ValueError, match="soft_time_limit must be"):
        odd.apply_async(soft_time_limit=9)


def test_retries_run_out(celery):
    @celery.task(bind=True, max_retries=0)
    def never(task):
        task.retry(countdown=1, queue="celery")

    with pytest.raises(MaxRetriesExceededError):
        never.apply(throw=True)


def test_purge_and_revoke(celery, add):
    kept, revoked = add.apply_async((1,), countdown=100), add.delay(1)
    celery.control.revoke(revoked.id)
    assert (revoked.state, kept.state) == ("REVOKED", "PENDING")
    assert celery.control.purge() == 1


def test_a_worker_answers_and_logs_in_celerys_words(celery, add, caplog):
    import logging

    from sqlqueue.celery.app import trace

    caplog.set_level(logging.INFO)
    with start(celery) as name:
        assert celery.control.inspect().ping() == {name: {"ok": "pong"}}
        job = add.s(1, 2).set(argsrepr="hidden").delay()
        assert get(job) == 3
        wait_until("the log", lambda: any(r.name == "celery.app.trace" for r in caplog.records))
    found = [(r.name, r.msg, r.data["args"]) for r in caplog.records if getattr(r, "data", {}).get("id") == job.id]
    assert found == [
        ("celery.worker.strategy", trace.LOG_RECEIVED, "hidden"),
        ("celery.app.trace", trace.LOG_SUCCESS, "hidden"),
    ]


def start(app):
    from contextlib import contextmanager

    from sqlqueue.celery.contrib.testing.worker import start_worker

    @contextmanager
    def running():
        with start_worker(app, pool="threads", perform_ping_check=False, loglevel="INFO", hostname="w@here"):
            yield "w@here"

    return running()


def test_jobs_are_revoked_by_stamps_that_they_have_or_will_have(celery, add, worker):
    for name in ("a", "b"):
        state.revoked_stamps.pop(name, None)
    try:
        celery.control.revoke_by_stamped_headers({"a": ["now"], "b": 7})
        revoked = [add.si(1).stamp(a="now").delay(), add.si(1).stamp(b=[7, 8]).delay()]
        kept = add.si(1).stamp(a="then").delay()
        assert get(kept) == 1
        for one in revoked:
            with pytest.raises(TaskRevokedError):
                get(one)
    finally:
        state.revoked_stamps.clear()


def test_what_workers_are_asked(celery, worker):
    inspect, name = celery.control.inspect(), worker.name
    assert "software -> celery:" in inspect.report()[name]["ok"]
    assert {"broker_url", "include", "deprecated_settings"} <= inspect.conf()[name].keys()
    assert inspect.hello("other@host", revoked={"x": [1, 2, "x"]})[name]["revoked"][-1] == "x"
    assert "x" in state.revoked
    state.revoked.discard("x")
    celery.conf.result_backend = "redis://user:p,a@ss@localhost:6379/0"
    assert "p,a@ss" not in celery.bugreport()
    assert "redis://user:********@localhost:6379/0" in celery.bugreport()


def test_commands_of_ones_own_and_built_in_ones_inside_them(celery):
    from sqlqueue.celery.worker.control import Panel, add_consumer, control_command, inspect_command

    @control_command(args=[("queue", str)], signature="<queue>", default_timeout=2)
    def also_serve(state, queue):
        return add_consumer(state, queue)

    @inspect_command
    def served(state):
        return list(state.registration.queues)

    Panel.register(lambda state, n: n + 1, name="next")
    with start(celery) as name:
        assert celery.control.broadcast("next", {"n": 1}, reply=True) == [{name: 2}]
        assert celery.control.broadcast("also_serve", {"queue": "mails"}, reply=True)[0][name]["ok"]
        assert "mails" in celery.control.broadcast("served", reply=True)[0][name]


def test_a_job_that_is_tried_again_says_why(celery, add):
    @celery.task(name="later", bind=True)
    def later(task):
        task.retry(exc=KeyError("not yet"), countdown=100)

    with start(celery):
        job = later.delay()
        wait_until("the retry", lambda: job.state == states.RETRY)
        assert "not yet" in str(job.result)


def test_a_running_job_is_terminated(celery, add):
    begun, go = threading.Event(), threading.Event()

    @celery.task
    def wait_for_it():
        begun.set()
        go.wait(PATIENCE)

    with start_worker(celery, pool="threads", concurrency=2):
        result = wait_for_it.delay()
        assert begun.wait(PATIENCE)
        result.revoke(terminate=True, signal="SIGKILL")
        with pytest.raises(TaskRevokedError, match="terminated by SIGKILL"):
            get(result)
        go.set()


def test_a_retry_may_give_arguments_of_the_other_kind(celery, add):
    @celery.task(name="switch", bind=True)
    def switch(task, foo, bar, label=None, *, how=None):
        if not task.request.retries:
            task.retry(countdown=0, **how)
        return [foo, bar, label]

    with start(celery):
        named = {"foo": 1, "bar": 2, "label": "kept"}
        by_place = switch.apply_async(kwargs={**named, "how": {"args": [3, 4]}})
        by_name = switch.apply_async((1, 2), {"how": {"kwargs": {"foo": 2}}})
        assert [get(by_place), get(by_name)] == [[3, 4, "kept"], [2, 2, None]]


def test_the_stream_of_events_by_celerys_names(celery, add, worker):
    from sqlqueue.celery.events import EventReceiver
    from sqlqueue.celery.events.state import State

    found = State()
    with celery.connection() as connection:
        receiver = celery.events.Receiver(connection, handlers={"*": found.event})
        events = receiver.itercapture(timeout=30)
        assert next(events)["hostname"] == worker.name, "it has seen that somebody watches"
        result = celery.tasks["add"].delay(2, 3)
        for event in events:
            if (event["type"], event.get("uuid")) == ("task-succeeded", result.id):
                break
    task = found.tasks[result.id]
    assert (task.name, task.state, task.result, task.worker.hostname) == ("add", "SUCCESS", "5", worker.name)
    assert [one.hostname for one in found.alive_workers()] == [worker.name]
    heard: list[dict[str, object]] = []
    events = EventReceiver(None, handlers={"my-own": heard.append}, app=celery).itercapture(timeout=30)
    with celery.events.default_dispatcher() as dispatcher:
        dispatcher.send("my-own", number=1)
    while not heard:
        next(events)
    assert heard[0]["number"] == 1

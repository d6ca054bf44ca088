"""Signals from where things happen: the sender, the run of a task, the worker; on both databases."""

from contextlib import contextmanager

import pytest

from sqlqueue import signals
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 30


class Heard:
    """What was sent, in order, by name."""

    def __init__(self):
        self.all = []

    def take(self, signal, sender, **named):
        self.all.append((signal.name, getattr(sender, "name", sender), named))

    def names(self):
        return [name for name, _, _ in self.all]

    def of(self, name):
        return [named for found, _, named in self.all if found == name]


@contextmanager
def listening(*names):
    heard = Heard()
    found = [getattr(signals, name) for name in names]
    for one in found:
        one.connect(heard.take)
    try:
        yield heard
    finally:
        for one in found:
            one.disconnect(heard.take)


RUN = ("task_prerun", "task_postrun", "task_success", "task_failure", "task_retry")


def test_the_run_of_a_task_that_returns(running):
    with listening(*RUN) as heard:
        job = running.add.delay(2, y=3)
        assert job.get(timeout=PATIENCE) == 5
        wait_until("the last signal", lambda: "task_postrun" in heard.names())
    assert heard.names() == ["task_prerun", "task_success", "task_postrun"]
    assert {sender for _, sender, _ in heard.all} == {"add"}
    about = {"task_id": job.id, "task": running.add, "args": [2], "kwargs": {"y": 3}}
    assert heard.of("task_prerun") == [about]
    assert heard.of("task_postrun") == [{**about, "retval": 5, "state": "SUCCESS"}]
    (success,) = heard.of("task_success")
    assert success["result"] == 5
    assert success["runtime"] >= 0


def test_the_run_of_a_task_that_fails(running):
    with listening(*RUN) as heard:
        job = running.fail.delay(message="boom")
        assert isinstance(job.get(timeout=PATIENCE, propagate=False), ValueError)
        wait_until("the last signal", lambda: "task_postrun" in heard.names())
    assert heard.names() == ["task_prerun", "task_failure", "task_postrun"]
    (failure,) = heard.of("task_failure")
    assert (failure["task_id"], str(failure["exception"])) == (job.id, "boom")
    assert "ValueError: boom" in str(failure["einfo"])
    assert heard.of("task_postrun")[0]["state"] == "FAILURE"


def test_the_run_of_a_task_that_tries_again(running):
    @running.app.task(name="twice", bind=True)
    def twice(task):
        if not task.request.retries:
            task.retry(countdown=0, exc=KeyError("not yet"))
        return task.request.retries

    running.app.tasks.add(twice)
    with working(running.app, "twice"), listening(*RUN) as heard:
        assert twice.apply_async(queue="twice").get(timeout=PATIENCE) == 1
        wait_until("the last signal", lambda: heard.names().count("task_postrun") == 2)
    assert heard.names() == [
        "task_prerun", "task_retry", "task_postrun", "task_prerun", "task_success", "task_postrun",
    ]  # fmt: skip
    (retry,) = heard.of("task_retry")
    assert "not yet" in str(retry["einfo"])
    assert retry["request"].retries == 0


def test_a_receiver_that_raises_does_not_hurt_the_job(running):
    def broken(**_):
        raise RuntimeError("a receiver's own fault")

    signals.task_prerun.connect(broken)
    signals.before_task_publish.connect(broken)
    try:
        assert running.add.delay(1, 1).get(timeout=PATIENCE) == 2
    finally:
        signals.task_prerun.disconnect(broken)
        signals.before_task_publish.disconnect(broken)


def test_what_is_put_into_the_headers_before_a_job_is_sent_travels_with_it(running):
    def trace(headers, body, **_):
        headers["trace"] = f"{headers['task']}{body[0]}"

    @running.app.task(name="headers", bind=True)
    def shown(task, *_):
        return task.request.headers

    signals.before_task_publish.connect(trace)
    try:
        with working(running.app, "shown"):
            sent = [
                shown.apply_async((1,), queue="shown"),
                shown.s(2).set(queue="shown").apply_async(),
                shown.apply_async((3,), queue="shown", unique_key="k"),
                *shown.send_many([(4,)], queue="shown"),
            ]
            assert [one.get(timeout=PATIENCE) for one in sent] == [
                {"trace": f"headers[{number}]"} for number in range(1, 5)
            ]
    finally:
        signals.before_task_publish.disconnect(trace)


def test_sending_is_told_before_and_after(stage):
    with listening("before_task_publish", "after_task_publish") as heard:
        job = stage.add.apply_async((1, 2), headers={"x": 1}, queue="elsewhere")
    assert heard.names() == ["before_task_publish", "after_task_publish"]
    for named in (*heard.of("before_task_publish"), *heard.of("after_task_publish")):
        assert (named["routing_key"], named["body"][:2]) == ("elsewhere", ([1, 2], {}))
        assert (named["headers"]["id"], named["headers"]["task"], named["headers"]["x"]) == (job.id, "add", 1)


def test_a_worker_tells_what_it_claims_and_what_never_runs(running):
    with listening("task_received", "task_revoked") as heard:
        kept = running.add.delay(1, 1)
        late = running.add.apply_async((2, 2), expires=-1)
        assert kept.get(timeout=PATIENCE) == 2
        with pytest.raises(Exception, match="expired"):
            late.get(timeout=PATIENCE)
        wait_until("the revocation", lambda: heard.of("task_revoked"))
    assert kept.id in {named["request"].id for named in heard.of("task_received")}
    (revoked,) = heard.of("task_revoked")
    assert (revoked["request"].id, revoked["expired"]) == (late.id, True)


def test_a_worker_tells_of_strangers_and_of_jobs_that_are_refused(running):
    from sqlqueue import Reject

    @running.app.task(name="refuse", bind=True)
    def refuse(task):
        if not task.request.delivery_info["redelivered"]:
            raise Reject("not here", requeue=True)
        return "in the end"

    with listening("task_unknown", "task_rejected") as heard, working(running.app, "two"):
        running.app.send_task("nobody.knows", queue="two")
        assert refuse.apply_async(queue="two").get(timeout=PATIENCE) == "in the end"
        wait_until("both", lambda: {"task_unknown", "task_rejected"} <= set(heard.names()))
    assert heard.of("task_unknown")[0]["name"] == "nobody.knows"
    assert "not here" in heard.of("task_rejected")[0]["exc"]


def test_the_life_of_a_worker(stage):
    with listening("worker_ready", "worker_shutting_down", "worker_shutdown") as heard, working(stage.app):
        wait_until("the start", lambda: heard.all)
        assert heard.names() == ["worker_ready"]
    assert heard.names() == ["worker_ready", "worker_shutting_down", "worker_shutdown"]
    assert {sender for _, sender, _ in heard.all} == {"w"}


def test_nobody_connected_costs_nothing(running, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a signal was sent to nobody")

    for name in (*RUN, "before_task_publish", "after_task_publish", "task_received"):
        monkeypatch.setattr(getattr(signals, name), "send", forbidden)
    assert running.add.delay(1, 1).get(timeout=PATIENCE) == 2

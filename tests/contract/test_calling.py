"""Calling options and routes: their effect on a job in the database, and on its run."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from sqlqueue import Broadcast, ConfigError, EnqueueError, SQLQueue, signals
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.which import Which
from sqlqueue.testing.drain import drain


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def add(x, y):
    return x + y


def test_queue_priority_and_id(app, row):
    task = app.task(add)
    found = row(task.apply_async((1, 2), queue="mail", priority=7, task_id="one"))
    assert (found["id"], found["queue"], found["priority"]) == ("one", "mail", 7)


def test_an_eta_and_an_expiry_may_be_iso_text(app, row):
    task = app.task(add)
    later = (SYSTEM_CLOCK.now() + timedelta(hours=1)).isoformat()
    found = row(task.apply_async((1, 2), eta=later, expires=later))
    assert found["state"] == "scheduled"
    assert found["run_at"] == found["expires_at"]
    with pytest.raises(EnqueueError, match="ISO 8601"):
        task.apply_async((1, 2), eta="soon")


def test_an_option_that_does_not_exist(app):
    with pytest.raises(EnqueueError, match="no option countdwn: did you mean 'countdown'"):
        app.task(add).apply_async((1, 2), countdwn=1)


@pytest.mark.parametrize("name", ["chain", "retries", "app_id", "root_id", "add_to_parent"])
def test_what_celerys_own_parts_say_is_no_option_and_nothing_else_was_meant(app, name):
    with pytest.raises(EnqueueError, match=f"no option {name}: in Celery its workflows") as caught:
        app.task(add).apply_async((1, 2), **{name: None})
    assert "did you mean" not in str(caught.value)


WRONG_CALLS: dict[str, dict[str, Any]] = {
    "headers is [1]: use a dict": {"headers": [1]},
    "kwargs is [1]: use a dict": {"kwargs": [1]},
    "args is 5: use a list or a tuple": {"args": 5},
    "args is 'ab': use a list or a tuple": {"args": "ab"},
    "queue is 'a,b': use a name without comma": {"queue": "a,b"},
    "queue is 'a=2': use a name without comma, equals sign": {"queue": "a=2"},
    "queue is 'a b': use a name without comma, equals sign or space": {"queue": "a b"},
    "(5,000 characters): use a string of 1 to 255 characters": {"queue": "q" * 5000},
    "task_id is 'iii": {"task_id": "i" * 5000},
}


@pytest.mark.parametrize("words", WRONG_CALLS)
def test_what_a_call_is_given_wrongly_is_said_and_shown_cut(app, words):
    given = {"args": (1, 2), **WRONG_CALLS[words]}
    for call in (app.task(add, name="add").apply_async, lambda **named: app.send_task("add", **named)):
        with pytest.raises(EnqueueError) as caught:
            call(**given)
        assert words in str(caught.value)
        assert len(str(caught.value)) < 200
    assert app.jobs.find(Which()) == []


def test_options_meant_for_a_broker_are_taken(app):
    task = app.task(add)
    options = {"exchange": "e", "routing_key": "k", "delivery_mode": 2, "retry": True, "retry_policy": {}}
    result = task.apply_async((1, 2), **options)
    drain(app)
    assert result.get(timeout=30) == 3


def test_what_is_shown_instead(app):
    @app.task(bind=True)
    def look(self, secret):
        return [self.request.shadow, self.request.argsrepr, self.request.kwargsrepr]

    result = look.apply_async(("password",), shadow="nicer", argsrepr="('***',)")
    drain(app)
    assert result.get(timeout=30) == ["nicer", "('***',)", "{}"]


def test_the_request(app):
    @app.task(bind=True, queue="mail")
    def look(self, x):
        r = self.request
        return [
            r.id,
            r.task,
            r.args,
            r.kwargs,
            r.headers,
            r.retries,
            r.hostname,
            r.delivery_info,
            r.is_eager,
            r.get("no"),
        ]

    result = look.apply_async(kwargs={"x": 1}, headers={"a": 1}, priority=3)
    drain(app, ["mail"])
    info = {"exchange": "", "routing_key": "mail", "priority": 3, "redelivered": False}
    assert result.get(timeout=30) == [result.id, look.name, [], {"x": 1}, {"a": 1}, 0, "drain", info, False, None]


@pytest.mark.parametrize("wrong", [[1], "x", 5])
def test_named_arguments_are_a_dict(app, wrong):
    task = app.task(name="add")(add)
    with pytest.raises(EnqueueError, match=r"kwargs is .*: use a dict"):
        task.apply_async((1,), wrong)


def test_headers_come_as_the_values_that_they_were(app):
    at, who = SYSTEM_CLOCK.now(), uuid4()

    @app.task(bind=True, max_retries=1)
    def look(self):
        if not self.request.retries:
            self.retry(countdown=0, headers={"days": {1, 2}})
        return [self.request.headers, self.request.at, self.request.stamps]

    signals.before_task_publish.connect(traced)
    try:
        results = [look.apply_async(headers={"at": at}), look.s().set(headers={"at": at}).stamp(who=who).delay()]
    finally:
        signals.before_task_publish.disconnect(traced)
    drain(app)
    plain, stamped = [one.get(timeout=30) for one in results]
    assert plain == [{"at": at, "days": {1, 2}, "trace": at}, at, {}]
    assert (stamped[0]["at"], stamped[0]["who"], stamped[2]) == (at, who, {"who": who})


def traced(headers, **_):
    headers["trace"] = headers["at"]


ROUTES = {
    "a name": {"shop.add": "found"},
    "a name before a pattern": {"shop.*": "other", "shop.add": {"queue": "found"}},
    "a glob": {"sh*.a?d": {"queue": "found"}},
    "a regular expression": {re.compile(r"shop\.\w+"): "found"},
    "a list of maps": [{"other": "no"}, {"shop.add": "found"}],
    "a list of pairs": [("shop.*", {"queue": "found"}), ("*", "no")],
    "pairs in a tuple": ([("shop.*", {"queue": "found"})],),
    "a function": lambda name, args, kwargs, options, task=None, **more: {"queue": "found"} if args == [1, 2] else None,
    "an object": type("Router", (), {"route_for_task": lambda *_: "found"})(),
    "a class": type("Router", (), {"route_for_task": lambda *_: "found"}),
    "a function by its name": "tests.contract.test_calling.by_name",
    "functions until one answers": [lambda *_, **__: None, lambda *_, **__: "found"],
    "pairs of globs and expressions": ([("b.*", {"queue": "no"}), (re.compile(r"(shop|x)\..*"), {"queue": "found"})],),
    "three pairs": ([("a.*", "no"), ("b.*", {"queue": "no"}), ("shop.*", {"queue": "found"})],),
    "a pair and a map": [("b.*", "no"), {"*": "found"}],
    "pairs and a function": [("b.*", "no"), ("c.*", "no"), lambda *_, **__: "found"],
    "a map and pairs": [{"b.*": "no"}, ("shop.*", "found"), ("shop.*", "no")],
    "a map and a list of pairs": [{"b.*": "no"}, [("c.*", "no"), ("shop.*", "found")]],
}


def by_name(name, args, kwargs, options, task=None, **more):
    return {"queue": "found"}


@pytest.mark.parametrize("form", ROUTES)
def test_a_route(app, row, form):
    task = app.task(name="shop.add")(add)
    app.conf.task_routes = ROUTES[form]
    assert row(task.apply_async([1, 2]))["queue"] == "found"
    assert row(app.send_task("shop.add", [1, 2]))["queue"] == "found"
    assert row(task.apply_async([1, 2], queue="chosen"))["queue"] == "chosen"
    app.conf.task_routes = {"nothing.like.it": "found"}
    assert row(task.apply_async([1, 2]))["queue"] == "default"


WRONG_ROUTES = {
    "a function without the rest": (lambda name: "q", r"task_routes: a function is called with \(name, args, "),
    "a number in a list": ([5], r"task_routes is \[5\]: use a table"),
    "a pair of three": ([[("a", "b", "c")]], r"task_routes has \('a', 'b', 'c'\) among its pairs"),
}


@pytest.mark.parametrize("form", WRONG_ROUTES)
def test_what_is_no_route_is_named(app, form):
    value, said = WRONG_ROUTES[form]

    def send():
        app.conf.task_routes = value
        app.task(add).delay(1, 2)

    with pytest.raises(ConfigError, match=said):
        send()


def test_what_a_route_raises_itself_is_not_changed(app):
    app.conf.task_routes = lambda *_, **__: len(cast("Any", 5))
    with pytest.raises(TypeError, match=r"has no len\(\)"):
        app.task(add).delay(1, 2)


def test_a_route_gives_priority_and_expiry_too(app, row):
    app.conf.task_routes = {"*": {"priority": 4, "expires": 60, "routing_key": "ignored"}}
    found = row(app.task(add).delay(1, 2))
    assert (found["queue"], found["priority"]) == ("default", 4)
    assert found["expires_at"]


@pytest.mark.parametrize("wrong", [{"*": {"routing_key": "k"}}, {"*": {"queeu": "q"}}])
def test_a_route_that_says_nothing_is_an_error(app, wrong):
    app.conf.task_routes = wrong
    with pytest.raises(EnqueueError, match=r"the route of .* use "):
        app.task(add).delay(1, 2)


def test_queues_that_there_are(app, row):
    app.conf.update(task_queues=["a", type("Queue", (), {"name": "b"})()], task_create_missing_queues=False)
    task = app.task(add)
    assert row(task.apply_async((1, 2), queue="b"))["queue"] == "b"
    with pytest.raises(EnqueueError, match="no queue 'c': task_queues has a, b"):
        task.apply_async((1, 2), queue="c")
    task.apply_async((1, 2), queue="a")
    assert len(drain(app)) == 2, "a worker serves all of task_queues"
    app.conf.task_queues = [Broadcast("x")]
    task.apply_async((1, 2), exchange="x")
    assert len(drain(app)) == 1, "of a broadcast queue too: it is the only worker"
    app.conf.task_queues = [1]
    with pytest.raises(ConfigError, match="1 is no queue: use its name"):
        drain(app)


def test_the_largest_priority(app, row):
    app.conf.task_queue_max_priority = 10
    task = app.task(add)
    assert row(task.apply_async((1, 2), priority=99))["priority"] == 10
    assert row(task.apply_async((1, 2), priority=-3))["priority"] == -3


def test_settings_of_every_call(app, row):
    app.conf.update(task_default_queue="mail", task_default_priority=4, task_ignore_result=True)
    task = app.task(add)
    result, kept = task.delay(1, 2), task.apply_async((1, 2), ignore_result=False, priority=1)
    assert (row(result)["queue"], row(result)["priority"], row(kept)["priority"]) == ("mail", 4, 1)
    drain(app)
    assert (result.get(timeout=30), kept.get(timeout=30)) == (None, 3)

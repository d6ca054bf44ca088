"""``self.retry()`` with changes, and what a running task is told of its job: their effect in the database."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sqlqueue import EnqueueError, SQLQueue
from sqlqueue.celery import Celery
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.outcome import Committed, Failed, Failure, Retried, Succeeded
from sqlqueue.testing.drain import drain
from sqlqueue.worker.pools.wire import pack_outcome, unpack_outcome
from tests.support.inprocess import working


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def retrying(app, *args, **changes):
    """Return a task that retries once with ``changes``, then returns what it was called with."""

    @app.task(bind=True, name="again", max_retries=1)
    def again(self, *given, **named):
        if not self.request.retries:
            self.retry(*args, **{"countdown": 0, **changes})
        request = self.request
        return [list(given), named, request.queue, request.priority, request.headers, list(request.timelimit)]

    return again


def test_other_arguments(app):
    result = retrying(app, (3,), {"y": (4,)}).delay(1, y=2)
    assert [type(one) for one in drain(app)] == [Retried, Succeeded]
    assert result.get(timeout=30)[:2] == [[3], {"y": [4]}]
    assert (result.args, result.kwargs, result.retries) == ([3], {"y": [4]}, 1)


def go_on(task):
    task.retry(countdown=0, throw=False)
    return "returned"


def swallow(task):
    with suppress(Exception):
        task.retry(countdown=0)
    return "returned"


def fail_later(task):
    task.retry(countdown=0, throw=False)
    raise ValueError("later")


@pytest.mark.parametrize("transactional", [False, True])
@pytest.mark.parametrize("act", [go_on, swallow, fail_later])
def test_a_retry_that_the_task_does_not_raise_counts(app, act, transactional):
    @app.task(bind=True, name="again", max_retries=2, transactional=transactional)
    def again(self):
        return act(self) if self.request.retries < 2 else self.request.retries

    result = again.delay()
    assert [type(one) for one in drain(app)] == [Retried, Retried, Committed if transactional else Succeeded]
    assert result.get(timeout=30) == 2
    if not transactional:
        assert again.apply().get() == 2


def test_a_coroutine_may_go_on_after_its_retry(app):
    @app.task(bind=True, name="again", max_retries=1)
    async def again(self):
        if not self.request.retries:
            self.retry(countdown=0, throw=False)
        return self.request.retries

    result = again.delay()
    with working(app, pool="asyncio"):
        assert result.get(timeout=30) == 1
    assert again.apply().get() == 1


def test_only_the_named_ones(app):
    result = retrying(app, kwargs={"y": 5}).delay(1, y=2)
    drain(app)
    assert result.get(timeout=30)[:2] == [[1], {"y": 5}]


def test_another_queue_and_priority(app, row):
    result = retrying(app, queue="mail", priority=7).delay()
    drain(app, ["default"])
    assert (row(result)["queue"], row(result)["priority"]) == ("mail", 7)
    drain(app, ["mail"])
    assert result.get(timeout=30)[2:4] == ["mail", 7]
    back = retrying(app, priority=0).apply_async(priority=5)
    drain(app)
    assert back.get(timeout=30)[3] == 0


def test_headers_are_added_and_limits_replaced(app):
    result = retrying(app, headers={"b": 2}, time_limit=9, soft_time_limit=8).apply_async(
        headers={"a": 1}, time_limit=5, shadow="x"
    )
    drain(app)
    assert result.get(timeout=30)[4:] == [{"a": 1, "b": 2}, [9, 8]]


def test_what_is_not_said_stays(app):
    call = {"queue": "mail", "priority": 3, "headers": {"a": 1}, "time_limit": 5, "soft_time_limit": 4}
    result = retrying(app).apply_async((1,), {"y": 2}, **call)
    drain(app, ["mail"])
    assert result.get(timeout=30) == [[1], {"y": 2}, "mail", 3, {"a": 1}, [5, 4]]


@pytest.mark.parametrize("said", ["seconds", "a moment", "a moment of the app's zone"])
def test_another_expiry(app, row, said):
    app.conf.timezone = "Asia/Tokyo"
    moment = SYSTEM_CLOCK.now() + timedelta(hours=1)
    meant = {"seconds": 3600, "a moment": moment}
    expires = meant.get(said, moment.astimezone(ZoneInfo("Asia/Tokyo")).replace(tzinfo=None))
    result = retrying(app, countdown=60, expires=expires).delay()
    drain(app)
    found = row(result)["expires_at"]
    when = found if isinstance(found, datetime) else datetime.fromisoformat(found)
    assert timedelta(minutes=50) < when - SYSTEM_CLOCK.now() < timedelta(minutes=70)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an option that does not exist": ({"link": None}, "no option link"),
    "an argument that cannot be stored": ({"args": ("\0",)}, r"args\[0\]"),
}


@pytest.mark.parametrize("word", WRONG)
def test_what_cannot_be(app, word):
    changes, message = WRONG[word]
    result = retrying(app, **changes).delay()
    assert [type(one) for one in drain(app)] == [Failed]
    with pytest.raises(EnqueueError, match=message):
        result.get(timeout=30)


def test_an_exception_in_the_place_of_arguments(app):
    result = retrying(app, ValueError("no")).delay()
    drain(app)
    with pytest.raises(TypeError, match="exc=error"):
        result.get(timeout=30)


def test_eagerly(app):
    assert retrying(app, (3,), {"y": 4}, queue="mail").apply((1,)).get()[:3] == [[3], {"y": 4}, "mail"]


def test_when_it_was_due_and_when_it_expires(app):
    @app.task(bind=True)
    def look(self):
        return [self.request.eta, self.request.expires]

    eta = SYSTEM_CLOCK.now() - timedelta(seconds=10)
    known = look.apply_async(eta=eta, expires=eta + timedelta(hours=1))
    plain = look.delay()
    drain(app)
    said = [datetime.fromisoformat(one) for one in known.get(timeout=30)]
    assert [abs(one - eta) < timedelta(milliseconds=2) for one in (said[0], said[1] - timedelta(hours=1))] == [True] * 2
    assert plain.get(timeout=30) == [None, None]


def test_more_of_the_request(app):
    @app.task(bind=True)
    def look(self):
        r = self.request
        child = look.apply_async(kwargs={}) if r.root_id == r.id else None
        missing = hasattr(r, "nonsense")
        return [
            r.customer, r.origin, r.chord, r.reply_to, missing, [one.id for one in r.children] == [child and child.id],
            r.properties["correlation_id"] == r.id,
        ]  # fmt: skip

    result = look.apply_async(headers={"customer": "Ada", "origin": "there"})
    drain(app)
    assert result.get(timeout=30) == ["Ada", "there", None, None, False, True, True]


def test_priority_is_inherited_where_that_is_wished(app):
    @app.task(name="child")
    def child():
        pass

    @app.task(name="own", priority=2)
    def own():
        pass

    @app.task(name="parent", bind=True)
    def parent(self):
        sent = [child.delay(), child.apply_async(priority=1), own.delay(), (child.si() | child.si()).delay()]
        return [app.jobs.show(one.id).job.priority for one in sent]

    plain = parent.apply_async(priority=5)
    drain(app)
    app.conf.task_inherit_parent_priority = True
    heir = parent.apply_async(priority=5)
    drain(app)
    assert plain.get(timeout=30) == [0, 1, 2, 0]
    assert heir.get(timeout=30) == [5, 1, 2, 5]


def test_annotations(app, row):
    heard = []

    @app.task(name="a", max_retries=1)
    def a(x):
        return x

    app.conf.task_annotations = [
        {"*": {"queue": "all", "note": "x"}, "a": {"queue": "mail", "max_retries": 9}},
        {"a": {"on_success": lambda self, value, *_: heard.append((self.name, value))}},
        {"a": {"@run": lambda function: lambda x: function(x) + 1}},
    ]

    @app.task(name="b")
    def b():
        pass

    result = a.delay(1)
    assert (row(result)["queue"], row(b.delay())["queue"]) == ("mail", "all")
    drain(app, ["mail", "all"])
    assert (result.get(timeout=30), heard) == (2, [("a", 2)])
    assert (a.settings.max_retries, a.note, b.note) == (9, "x", "x")


def test_annotations_in_a_ported_project(database_url):
    app = Celery("ported", broker=database_url)
    task = app.task(name="a")(lambda: None)
    app.conf.task_annotations = {"a": {"rate_limit": "7/m"}}
    assert app.tasks["a"].settings.rate_limit == "7/m"
    assert task.name == "a"
    app.close()


class Annotation:
    def annotate(self, task):
        return {"priority": 4} if task.name == "a" else None


def test_an_annotation_that_is_an_object(app, row):
    app.conf.task_annotations = Annotation()
    task = app.task(name="a")(lambda: None)
    other = app.task(name="b")(lambda: None)
    assert (row(task.delay())["priority"], row(other.delay())["priority"]) == (4, 0)


def test_tasks_are_discovered(app, tmp_path, monkeypatch):
    for name, text in {"one/__init__": "", "one/jobs": "seen = 1", "two/__init__": "", "three/__init__": ""}.items():
        path = tmp_path / f"found_{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    app.autodiscover_tasks(["found_one", "found_two"], "jobs")
    app.autodiscover_tasks(lambda: ["found_three"], None)
    assert app.discovery.import_all() == ["found_one.jobs", "found_three"]
    with pytest.raises(Exception, match="no package 'found_four'"):
        app.autodiscover_tasks(["found_four"], force=True)


def test_the_change_is_text_that_sql_can_read(app):
    @app.task(bind=True, name="again")
    def again(self, *_):
        raise self.retry(args=(2,), queue="mail", countdown=0, throw=False)

    again.delay(1)
    (outcome, *_) = drain(app, ["default"])
    assert isinstance(outcome, Retried)
    assert json.loads(outcome.change or "") == {"args": [2], "queue": "mail"}


def test_the_change_comes_from_a_child_as_it_is():
    again = Retried(1.5, Failure("E: no", None, None), 0.1, '{"queue":"mail"}')
    assert unpack_outcome(pack_outcome(7, again)) == (7, again)

"""Hooks, classes of tasks, control flow, eager calls and drain: what a task's run does, against the database."""

from __future__ import annotations

import pytest

from sqlqueue import Ignore, MaxRetriesExceeded, Reject, SQLQueue, Task
from sqlqueue.domain.outcome import Failed, Retried, Succeeded
from sqlqueue.testing.drain import drain


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def add(x, y):
    return x + y


class Told(Task):
    """A base with every hook and a call of its own."""

    max_retries = 1
    default_retry_delay = 0.0
    seen: list

    def __call__(self, *args, **kwargs):
        self.seen.append("call")
        return super().__call__(*args, **kwargs)

    def before_start(self, task_id, args, kwargs):
        self.seen.append(("before_start", list(args)))

    def on_success(self, retval, task_id, args, kwargs):
        self.seen.append(("on_success", retval))

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        self.seen.append(("on_failure", type(exc).__name__, "ValueError" in str(einfo)))

    def on_retry(self, exc, task_id, args, kwargs, einfo):
        self.seen.append(("on_retry", type(exc).__name__))

    def after_return(self, status, retval, task_id, args, kwargs, einfo):
        self.seen.append(("after_return", status))
        raise RuntimeError("a hook's own mistake changes nothing")


def test_a_base_with_hooks(app):
    Told.seen = []

    @app.task(base=Told, bind=True)
    def half(self, x):
        if x % 2:
            raise self.retry(exc=ValueError("odd"))
        return x // 2

    good = half.delay(4)
    assert [type(one) for one in drain(app)] == [Succeeded]
    assert good.get(timeout=30) == 2
    assert Told.seen == [("before_start", [4]), "call", ("on_success", 2), ("after_return", "SUCCESS")]
    Told.seen.clear()
    bad = half.delay(3)
    assert [type(one) for one in drain(app)] == [Retried, Failed]
    with pytest.raises(ValueError, match="odd"):
        bad.get(timeout=30)
    assert Told.seen == [
        ("before_start", [3]), "call", ("on_retry", "ValueError"), ("after_return", "RETRY"),
        ("before_start", [3]), "call", ("on_failure", "ValueError", True), ("after_return", "FAILURE"),
    ]  # fmt: skip


def test_an_async_task_with_hooks(app):
    Told.seen = []

    @app.task(base=Told)
    async def double(x):
        return 2 * x

    double.delay(4)
    drain(app)
    assert ("on_success", 8) in Told.seen


def test_the_apps_own_class_of_tasks(app, row):
    class Mail(Task):
        queue = "mail"
        acks_late = False

    app.task_cls = Mail
    assert row(app.task(add).delay(1, 2))["queue"] == "mail"

    @app.task(queue="own")
    def other():
        pass

    assert isinstance(other, Mail)
    assert row(other.delay())["queue"] == "own"


def test_a_class_with_run(app):
    class Triple(Task):
        name = "shop.triple"

        def run(self, x):
            return [3 * x, self.request.task]

    task = app.register_task(Triple)
    result = task.delay(2)
    drain(app)
    assert result.get(timeout=30) == [6, "shop.triple"]
    assert task(2) == [6, None]


def test_options_in_celerys_words(app):
    @app.task(reject_on_worker_lost=False, retry_kwargs={"max_retries": 9, "countdown": 3}, track_started=True)
    def one():
        pass

    assert (one.settings.max_crashes, one.settings.max_retries, one.settings.default_retry_delay) == (1, 9, 3)


CONTROL = {
    "throw=False": (lambda task: (_ for _ in ()).throw(task.retry(throw=False, countdown=0)), [Retried, Failed]),
    "Ignore": (lambda task: (_ for _ in ()).throw(Ignore()), [Succeeded]),
    "Reject": (lambda task: (_ for _ in ()).throw(Reject("no")), [Failed]),
}


@pytest.mark.parametrize("word", CONTROL)
def test_control_flow(app, word):
    act, expected = CONTROL[word]

    @app.task(bind=True, max_retries=1)
    def one(self):
        next(act(self))

    result = one.delay()
    assert [type(outcome) for outcome in drain(app)] == expected
    if word == "throw=False":
        with pytest.raises(MaxRetriesExceeded):
            result.get(timeout=30)


def test_drain_runs_what_jobs_send_and_leaves_what_is_due_later(app, row):
    @app.task(name="count")
    def count(n):
        if n:
            app.tasks["count"].delay(n - 1)

    count.delay(3)
    later = count.apply_async((0,), countdown=3600)
    assert len(drain(app)) == 4
    assert row(later)["state"] == "scheduled"


def test_always_eager_sends_nothing(app):
    app.conf.task_always_eager = True

    @app.task(bind=True, autoretry_for=(KeyError,), max_retries=2)
    def one(self, x):
        if x == "retry" and self.request.retries < 2:
            raise KeyError(x)
        if x == "fail":
            raise ValueError(x)
        return [x, self.request.retries, self.request.is_eager]

    assert one.delay((1, 2)).get() == [[1, 2], 0, True], "arguments went through the encoding"
    assert one.delay("retry").get() == ["retry", 2, True]
    failed = one.delay("fail")
    assert (failed.state, failed.failed(), "ValueError" in failed.traceback) == ("FAILURE", True, True)
    with pytest.raises(ValueError, match="fail"):
        failed.get()
    app.conf.task_eager_propagates = True
    with pytest.raises(ValueError, match="fail"):
        one.delay("fail")
    assert (one.s(1) | one.si(2)).apply_async().get() == [2, 0, True], "workflows run here too"
    app.conf.task_always_eager = False
    assert drain(app) == []


def test_apply_runs_here(app):
    @app.task
    async def double(x):
        return 2 * x

    assert double.apply((4,)).get() == 8
    assert app.task(add).apply(kwargs={"x": 1, "y": 2}).result == 3
    with pytest.raises(TypeError):
        app.task(add).apply((1, "x"), throw=True)
    assert drain(app) == []

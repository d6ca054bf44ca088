"""Values of a task's options: those that cannot be, and what becomes of a job whose exception nobody can judge."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from sqlqueue import SQLQueue, Task, signals
from sqlqueue.domain.outcome import Failed, Retried
from sqlqueue.errors import ConfigError
from sqlqueue.testing.drain import drain
from tests.support.inprocess import working


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


WRONG: dict[str, list[Any]] = {
    "autoretry_for": ["x", (ValueError(),), (int,), 5, {ValueError: 1}],
    "dont_autoretry_for": ["x"],
    "throws": ["x", [KeyError("x")]],
    "max_retries": ["x", -1, True, 1.5],
    "default_retry_delay": ["x", -5, None],
    "retry_backoff": ["x", -3],
    "retry_backoff_max": ["x", None],
    "retry_jitter": ["x", None],
    "retry_kwargs": ["x", {"max_retrys": 3}],
    "max_crashes": [0, "x"],
    "acks_late": ["no"],
    "transactional": ["yes"],
    "send_events": ["no"],
    "typing": [None],
    "ignore_result": ["no"],
    "name": [5, ""],
    "queue": [5, ""],
    "priority": ["a", True, 1 << 15],
    "serializer": [5],
    "compression": [5, "zip"],
    "max_retrys": [3],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_cannot_be_is_refused_when_the_task_is_made(name):
    app = SQLQueue("shop")
    for value in WRONG[name]:
        with pytest.raises(ConfigError, match=name if name != "compression" else "compression|zip"):
            app.task(**{name: value})(lambda: None)
    assert list(app.tasks) == []


@pytest.mark.parametrize("several", [KeyError, [KeyError], {KeyError}, (KeyError,)])
def test_exception_classes_in_any_collection(app, several):
    @app.task(name="one", autoretry_for=several, throws=several, max_retries=1, default_retry_delay=0)
    def one():
        raise KeyError("x")

    one.delay()
    assert [type(outcome) for outcome in drain(app)] == [Retried, Failed]


class Resisting(Exception):
    """Says nothing of itself."""

    args: Any = property(lambda self: self.nothing)

    def __str__(self):
        raise RuntimeError("str")


class Leaving(Task):
    """A class whose hooks want to end the process."""

    def on_success(self, *_):
        raise KeyboardInterrupt

    def on_failure(self, *_):
        sys.exit(5)

    def after_return(self, *_):
        raise BaseException("gone")  # noqa: TRY002


@pytest.mark.parametrize("pool", ["threads", "solo", "asyncio"])
def test_no_hook_and_no_exception_ends_what_runs_the_jobs(app, pool):
    @app.task(name="resists")
    def resists():
        raise Resisting

    @app.task(name="leaves", base=Leaving, bind=True)
    def leaves(self, wrong):
        return 1 // (not wrong)

    @app.task(name="exits")
    def exits():
        sys.exit(3)

    def receiver(**_):
        sys.exit(4)

    signals.task_postrun.connect(receiver)
    try:
        with working(app, pool=pool, concurrency=1):
            assert leaves.delay(False).get(timeout=30) == 1
            with pytest.raises(ZeroDivisionError):
                leaves.delay(True).get(timeout=30)
            for task in (resists, exits):
                result = task.delay()
                result.get(timeout=30, propagate=False)
                assert result.state == "FAILURE"
            assert leaves.delay(False).get(timeout=30) == 1
    finally:
        signals.task_postrun.disconnect(receiver)


class Unaskable(type):
    """Of a class that cannot say whether something is one of its own."""

    def __instancecheck__(cls, _):
        raise RuntimeError("cannot say")


@pytest.mark.parametrize("pool", ["threads", "solo", "asyncio"])
def test_an_exception_that_cannot_be_understood_is_a_failure(app, pool):
    strange: Any = Unaskable("Strange", (Exception,), {})

    @app.task(name="bad", autoretry_for=(strange,))
    def bad():
        raise KeyError("its own")

    @app.task(name="abad", autoretry_for=(strange,))
    async def abad():
        raise KeyError("its own")

    good = app.task(name="good")(lambda: "fine")
    with working(app, pool=pool, concurrency=1):
        for task in (bad, abad):
            with pytest.raises(KeyError, match="its own"):
                task.delay().get(timeout=30)
        assert good.delay().get(timeout=30) == "fine"

"""What `@app.task(...)` says of a task: the effect of each option on its jobs, in the database and in their runs."""

from __future__ import annotations

import logging
import threading
from datetime import datetime

import pytest

from sqlqueue import Ignore, Reject, SQLQueue
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.outcome import Failed, Retried, Succeeded
from sqlqueue.errors import ConfigError, SignatureMismatch
from sqlqueue.events.log import subscribe_log
from sqlqueue.store.operation import Statement, ask
from sqlqueue.testing.drain import drain
from tests.support.inprocess import working

PATIENCE = 30.0


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


NO = ValueError("no")


def failing(app, error=NO, **options):
    """Return a task that raises."""

    @app.task(**{"name": "failing", **options})
    def task():
        raise error

    return task


def seconds_left(found) -> float:
    """Return the seconds until a row's job is due."""
    when = found["run_at"] if isinstance(found["run_at"], datetime) else datetime.fromisoformat(found["run_at"])
    return (when - SYSTEM_CLOCK.now()).total_seconds()


def test_a_name(app, row):
    task = app.task(name="shop.other")(lambda: 1)
    assert row(task.delay())["task"] == "shop.other"
    assert row(app.task(function_of_a_module).delay())["task"] == f"{__name__}.function_of_a_module"
    assert [type(one) for one in drain(app)] == [Succeeded, Succeeded]


def function_of_a_module():
    return 2


def test_what_its_calls_are(app, row):
    @app.task(queue="mail", priority=4, expires=60, acks_late=False, max_crashes=7, ignore_result=True)
    def task():
        return 1

    found = row(task.delay())
    assert (found["queue"], found["priority"], found["max_crashes"]) == ("mail", 4, 7)
    assert (bool(found["acks_late"]), bool(found["expires_at"])) == (False, True)
    said = row(task.apply_async(queue="other", priority=1))
    assert (said["queue"], said["priority"]) == ("other", 1)
    kept = task.apply_async(ignore_result=False)
    drain(app, ["mail"])
    assert kept.get(timeout=PATIENCE) == 1


def test_an_ignored_result_and_a_failure_that_is_kept_all_the_same(app):
    good, bad = app.task(name="good", ignore_result=True)(lambda: 1), failing(app, ignore_result=True)
    results = [good.delay(), bad.delay()]
    drain(app)
    assert (results[0].state, results[0].get(timeout=PATIENCE)) == ("SUCCESS", None)
    assert results[1].state == "FAILURE"
    assert "ValueError" in results[1].traceback


def test_arguments_are_checked_unless_it_says_otherwise(app):
    strict, loose = (app.task(name=f"typing {one}", typing=one)(lambda x: x) for one in (True, False))
    with pytest.raises(SignatureMismatch):
        strict.delay(1, 2)
    sent = loose.delay(1, 2)
    drain(app)
    with pytest.raises(TypeError):
        sent.get(timeout=PATIENCE)


@pytest.mark.parametrize(("said", "runs"), [({}, 4), ({"max_retries": 1}, 2), ({"max_retries": 0}, 1)])
def test_so_many_retries(app, said, runs):
    result = failing(app, autoretry_for=(ValueError,), default_retry_delay=0, **said).delay()
    assert len(drain(app)) == runs
    assert result.state == "FAILURE"


def test_retries_for_ever(app):
    @app.task(bind=True, autoretry_for=(ValueError,), default_retry_delay=0, max_retries=None)
    def task(self):
        if self.request.retries < 9:
            raise ValueError("not yet")
        return self.request.retries

    result = task.delay()
    drain(app)
    assert result.get(timeout=PATIENCE) == 9


@pytest.mark.parametrize(("said", "pause"), [({}, 180), ({"default_retry_delay": 40}, 40), (
    {"retry_kwargs": {"countdown": 70}}, 70)])  # fmt: skip
def test_the_pause_before_a_retry(app, row, said, pause):
    by_itself = failing(app, autoretry_for=(ValueError,), **said).delay()
    told = app.task(name="told", bind=True, **said)(lambda self: self.retry()).delay()
    drain(app)
    for result in (by_itself, told):
        assert pause - 30 < seconds_left(row(result)) <= pause
        assert result.state == "RETRY"


def test_which_exceptions_are_tried_again(app):
    class Worse(ValueError):
        pass

    options = {"autoretry_for": (ValueError, Reject, Ignore), "dont_autoretry_for": (Worse,), "max_retries": 1}
    outcomes = []
    for error in (ValueError(), Worse(), KeyError(), Reject("no"), Ignore()):
        failing(app, error, name=type(error).__name__, default_retry_delay=0, **options).delay()
        outcomes.append([type(one) for one in drain(app)])
    assert outcomes == [[Retried, Failed], [Failed], [Failed], [Failed], [Succeeded]]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"retry_backoff": True}, [1, 2, 4, 8]),
        ({"retry_backoff": 3}, [3, 6, 12, 24]),
        ({"retry_backoff": 3, "retry_backoff_max": 10}, [3, 6, 10, 10]),
    ],
)
@pytest.mark.parametrize("jitter", [True, False])
def test_a_growing_pause(app, row, said, expected, jitter):
    @app.task(bind=True, autoretry_for=(ValueError,), retry_jitter=jitter, max_retries=9, **said)
    def task(self):
        raise ValueError("no")

    result = task.delay()
    for longest in expected:
        (outcome,) = drain(app)
        assert isinstance(outcome, Retried)
        assert 0 <= outcome.delay <= longest
        assert jitter or outcome.delay == longest
        assert seconds_left(row(result)) <= longest
        make_due(app, result)


def make_due(app, result):
    """Let a job that is to run later be due now."""

    def change(_):
        yield from ask(Statement("UPDATE sqlqueue_jobs SET run_at = created_at WHERE id = :id"), id=result.id)

    app.store.run(change)


def test_an_expected_exception_is_told_without_a_traceback(app, caplog):
    caplog.set_level(logging.INFO, "sqlqueue.worker")
    failing(app, throws=(ValueError,))

    @app.task(name="surprising")
    def surprising():
        raise KeyError("oh")

    with working(app) as worker:
        subscribe_log(worker.events)
        results = [app.tasks[name].delay() for name in ("failing", "surprising")]
        for result in results:
            with pytest.raises((ValueError, KeyError)):
                result.get(timeout=PATIENCE)
    told = {one.levelname: one.getMessage() for one in caplog.records if "failed" in one.getMessage()}
    assert "Traceback" not in told["INFO"]
    assert "failing" in told["INFO"]
    assert "surprising" in told["ERROR"]
    assert [result.state for result in results] == ["FAILURE"] * 2


def test_a_running_job_is_seen_as_started(app):
    begun, go = threading.Event(), threading.Event()

    @app.task
    def task():
        begun.set()
        go.wait(PATIENCE)

    with working(app):
        result = task.delay()
        assert begun.wait(PATIENCE)
        assert result.state == "STARTED"
        go.set()
        result.get(timeout=PATIENCE)


class Model:
    """As much of a pydantic model as is used; tells what it was made with."""

    told: list

    @classmethod
    def model_validate(cls, value, strict=None, context=None):
        made = cls()
        made.told = [value["n"], strict, context]
        return made


def test_how_models_are_made(app):
    @app.task(pydantic_strict=True, pydantic_context={"shop": 1})
    def told(one: Model, more: list[Model]) -> list:
        return [one.told, more[0].told]

    @app.task
    def plain(one: Model) -> list:
        return one.told

    results = told.delay({"n": 1}, [{"n": 2}]), plain.delay({"n": 3})
    drain(app)
    assert results[0].get(timeout=PATIENCE) == [[1, True, {"shop": 1}], [2, True, {"shop": 1}]]
    assert results[1].get(timeout=PATIENCE) == [3, None, None]
    with pytest.raises(ConfigError, match="no option pydantic_dump_kwargs"):
        app.task(pydantic_dump_kwargs={})


class Nicer:
    """Mixed into a task's class."""

    name: str

    def shadow_name(self, args, kwargs, options):
        return f"{self.name} of {args[0]}" if args else None


def test_a_class_says_how_its_jobs_are_shown(app):
    kind = type("Named", (Nicer, app.task_cls), {})
    task = app.task(base=kind, bind=True, name="order")(lambda self, *x: self.request.shadow)
    results = [
        task.delay(1), task.apply_async((2,)), task.s(3).delay(), task.apply_async((4,), shadow="mine"), task.delay(),
        *task.send_many([(5,), (6,)]),
    ]  # fmt: skip
    drain(app)
    assert [one.get(timeout=PATIENCE) for one in results] == [
        "order of 1", "order of 2", "order of 3", "mine", None, "order of 5", "order of 6",
    ]  # fmt: skip


def test_called_directly_it_runs_inline_and_raises_what_it_is_told_to_try_again(app):
    @app.task(bind=True)
    def task(self, x):
        if x < 0:
            self.retry(exc=ValueError("negative"))
        return x + 1

    assert task(1) == 2
    with pytest.raises(ValueError, match="negative"):
        task(-1)
    assert drain(app) == []


def test_an_option_that_does_not_exist_is_an_error(app):
    with pytest.raises(ConfigError, match="no option max_retires"):
        app.task(max_retires=3)
    with pytest.raises(ConfigError, match="soft_time_limit is 3, more than time_limit, 2"):
        app.task(soft_time_limit=3, time_limit=2)


@pytest.mark.parametrize(("error", "state"), [(Reject("no"), "FAILURE"), (Ignore(), "SUCCESS")])
def test_what_a_task_raises_is_its_end(app, error, state):
    result = failing(app, error).delay()
    drain(app)
    assert result.state == state


def test_a_job_that_is_sent_back_runs_again(app, row):
    @app.task(bind=True)
    def task(self):
        if self.request.attempt == 1:
            raise Reject("not here", requeue=True)
        return self.request.attempt

    result = task.delay()
    drain(app)
    assert row(result)["state"] == "scheduled"
    make_due(app, result)
    drain(app)
    assert result.get(timeout=PATIENCE) == 2

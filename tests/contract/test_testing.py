"""The tools for users' tests: what waits, on both databases, and the plugin in a run of pytest of its own."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
import uuid
from unittest.mock import ANY

import pytest

from sqlqueue import SQLQueue, chord
from sqlqueue.testing import assertions
from sqlqueue.testing.assertions import assert_enqueued, enqueued, refute_enqueued
from sqlqueue.testing.drain import drain
from tests.support.processes import ROOT


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


@pytest.fixture
def add(app):
    return app.task(name="add")(lambda x, y=0: x + y)


def test_what_waits_is_found(app, add):
    add.delay(1, y=(2,))
    add.apply_async((3,), queue="mail", countdown=60, priority=4)
    (add.s(5) | add.s(6)).delay()
    assert [str(job) for job in enqueued(app, "add")] == [
        "add(1, y=[2]) in default, ready",
        "add(3) in mail, scheduled",
        "add(5) in default, ready",
        "add(6) in default, blocked",
    ]
    (found,) = assert_enqueued(app, add, (3,), {}, queue="mail", count=1)
    assert (found.priority, found.queue) == (4, "mail")
    assert len(assert_enqueued(app, add)) == 4
    assert_enqueued(app, "add", kwargs={"y": [2]})
    refute_enqueued(app, add, (9,))
    refute_enqueued(app, "other")


class Colour(enum.Enum):
    RED = "red"


def test_arguments_are_compared_as_the_call_gave_them(app, add):
    add.delay(Colour.RED, y=(1, uuid.UUID(int=5)))
    assert_enqueued(app, add, (Colour.RED,), {"y": (1, uuid.UUID(int=5))})
    assert_enqueued(app, add, ["red"], {"y": ANY})
    refute_enqueued(app, add, ("green",))
    with pytest.raises(TypeError, match=r"args is 'red': give a tuple or a list, such as \('red',\)"):
        assert_enqueued(app, add, "red")
    with pytest.raises(TypeError, match="args is 5"):
        refute_enqueued(app, add, 5)  # type: ignore[arg-type]


def test_pages_are_read_to_the_end(app, add, monkeypatch):
    monkeypatch.setattr(assertions, "PAGE", 3)
    add.send_many([(n,) for n in range(10)])
    assert [job.args for job in enqueued(app)] == [[n] for n in range(10)]


def test_what_fails_says_what_there_is(app, add):
    with pytest.raises(AssertionError, match="no job of add waits; nothing does"):
        assert_enqueued(app, add)
    add.delay(1)
    with pytest.raises(AssertionError, match=r"no job of add with args=\(2,\) waits; these do: add\(1\) in default"):
        assert_enqueued(app, add, (2,))
    with pytest.raises(AssertionError, match="1 job, not 2, of add waits"):
        assert_enqueued(app, add, count=2)
    with pytest.raises(AssertionError, match=r"a job of add waits: add\(1\)"):
        refute_enqueued(app, add)


def test_what_is_over_does_not_wait(app, add):
    add.delay(1)
    drain(app)
    refute_enqueued(app, add)


def test_workflows_are_drained(app, add):
    @app.task(name="swap", bind=True)
    def swap(self, x):
        self.replace(add.s(x, 1) | add.s(1))

    @app.task(name="total")
    def total(numbers):
        return sum(numbers)

    fail = app.task(name="fail")(lambda: 1 / 0)
    results = [
        (add.s(1) | add.s(2) | add.s(3)).delay(),
        chord([add.s(1), add.s(2) | add.s(3)])(total.s()),
        (swap.s(5) | add.s(10)).delay(),
    ]
    doomed = (fail.si() | add.s(1)).delay()
    drain(app)
    assert [one.get(timeout=30) for one in results] == [6, 6, 17]
    with pytest.raises(ZeroDivisionError):
        doomed.get(timeout=30)
    assert enqueued(app) == []


USERS_TESTS = """
import pytest


@pytest.fixture
def add(sqlqueue_app):
    return sqlqueue_app.task(name="add")(lambda x, y: x + y)


@pytest.fixture
def sqlqueue_config():
    return {"task_default_queue": "sums"}


def test_drained(add, sqlqueue_drain, assert_enqueued, refute_enqueued):
    result = add.delay(1, 2)
    assert_enqueued(add, (1, 2), queue="sums", count=1)
    assert len(sqlqueue_drain()) == 1
    refute_enqueued(add)
    assert result.get(timeout=30) == 3


def test_with_a_worker(add, sqlqueue_worker):
    assert add.delay(1, 2).get(timeout=30) == 3


def test_with_the_clock(add, sqlqueue_clock, sqlqueue_drain):
    add.apply_async((1, 2), countdown=3600)
    assert sqlqueue_drain() == []
    sqlqueue_clock.shift(3600)
    assert len(sqlqueue_drain()) == 1


def test_that_fails(add, assert_enqueued):
    assert_enqueued(add)
"""

USERS_OWN_APP = """
import pytest
from sqlqueue import SQLQueue
from sqlqueue.testing.borrowed import borrow

app = SQLQueue("shop", broker="sqlite:///nowhere/real.db", task_default_queue="usual")
mail = app.task(name="mail")(lambda: "sent")


@pytest.fixture
def sqlqueue_app(sqlqueue_url, sqlqueue_config):
    with borrow(app, sqlqueue_url, sqlqueue_config) as borrowed:
        yield borrowed


class TestWithSettings:
    @pytest.fixture
    def sqlqueue_config(self):
        return {"task_default_queue": "mail", "task_max_size": 5000}

    def test_one(self, sqlqueue_drain, assert_enqueued):
        mail.delay()
        assert_enqueued(mail, queue="mail", count=1)
        assert len(sqlqueue_drain()) == 1


def test_without(sqlqueue_app, assert_enqueued):
    mail.delay()
    assert_enqueued(mail, queue="usual", count=1)
    assert app.conf.task_max_size == SQLQueue().conf.task_max_size
"""


def test_the_plugin(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["sqlqueue.testing.plugin"]\n')
    (tmp_path / "test_users.py").write_text(USERS_TESTS)
    (tmp_path / "test_own.py").write_text(USERS_OWN_APP)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "no job of add waits; nothing does" in done.stdout

"""What leaves a job's run all the same is charged to the job, and who ran it goes on or is replaced."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from sqlqueue import SQLQueue, Task
from sqlqueue.errors import SoftTimeLimitExceeded, WorkerLost
from sqlqueue.worker.execute import Executor
from tests.support.inprocess import working


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def leak(monkeypatch, error: BaseException) -> list[str]:
    """Let the runs of the task ``poison`` raise what should have stopped in them; return the ids of those jobs."""
    runs: list[str] = []
    execute, aexecute = Executor.execute, Executor.aexecute

    def leaking(self: Any, job: Any) -> Any:
        if job.task == "poison":
            runs.append(job.id)
            raise error
        return execute(self, job)

    async def aleaking(self: Any, job: Any) -> Any:
        if job.task == "poison":
            runs.append(job.id)
            raise error
        return await aexecute(self, job)

    monkeypatch.setattr(Executor, "execute", leaking)
    monkeypatch.setattr(Executor, "aexecute", aleaking)
    return runs


def plain() -> str:
    return "fine"


async def awaiting() -> str:
    return "fine"


POOLS = [("threads", plain), ("solo", plain), ("asyncio", plain), ("asyncio", awaiting)]


@pytest.mark.parametrize("time_limit", [None, 60.0])
@pytest.mark.parametrize(("pool", "function"), POOLS)
def test_a_job_that_ends_its_runner_fails_and_the_next_one_runs(app, monkeypatch, pool, function, time_limit):
    runs = leak(monkeypatch, SystemExit(5))
    poison = app.task(name="poison", time_limit=time_limit)(function)
    good = app.task(name="good", time_limit=time_limit)(function)
    with working(app, pool=pool, concurrency=2):
        lost = [poison.delay(), poison.delay()]
        for one in lost:
            with pytest.raises(WorkerLost, match=r"SystemExit left its run \(3 crashes\)"):
                one.get(timeout=30)
        assert sorted(runs) == sorted([one.id for one in lost] * 3)
        assert good.delay().get(timeout=30) == "fine"


def test_a_soft_limit_that_comes_before_the_task_does_is_its_failure(app, monkeypatch):
    leak(monkeypatch, SoftTimeLimitExceeded())
    poison = app.task(name="poison")(awaiting)
    with working(app, pool="asyncio", concurrency=1), pytest.raises(SoftTimeLimitExceeded):
        poison.delay().get(timeout=30)


class Unwilling(Task):
    """A class whose tasks want to end the process before they start."""

    def before_start(self, *_):
        sys.exit(5)


@pytest.mark.parametrize(("pool", "function"), POOLS)
def test_a_hook_that_exits_before_the_task_is_its_failure(app, pool, function):
    unwilling = app.task(name="unwilling", base=Unwilling)(function)
    good = app.task(name="good")(function)
    with working(app, pool=pool, concurrency=1):
        result = unwilling.delay()
        result.get(timeout=30, propagate=False)
        assert result.state == "FAILURE"
        assert "SystemExit: 5" in str(result.result)
        assert good.delay().get(timeout=30) == "fine"


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_transaction_that_exits_as_it_begins_is_a_failure(app, monkeypatch, pool):
    @app.task(name="books", transactional=True)
    def books():
        return "booked"

    good = app.task(name="good")(plain)
    monkeypatch.setattr(type(books), "begin", lambda _: sys.exit(5))
    with working(app, pool=pool, concurrency=1):
        result = books.delay()
        result.get(timeout=30, propagate=False)
        assert result.state == "FAILURE"
        assert good.delay().get(timeout=30) == "fine"


def test_a_job_that_is_ended_before_its_transaction_begins_leaves_none_behind(app, monkeypatch):
    """The database has to wait for its thread, which nobody can end; what that thread begins is undone."""

    @app.task(name="books", transactional=True, soft_time_limit=0.1)
    async def books():
        return "booked"

    begun: list[Any] = []
    ended, free = threading.Event(), threading.Event()
    begin = type(books).begin

    def slow(self: Any) -> Any:
        assert free.wait(30)
        transaction = begin(self)
        end = transaction.end

        def last() -> None:
            end()
            ended.set()

        monkeypatch.setattr(transaction, "end", last)
        begun.append(transaction)
        return transaction

    monkeypatch.setattr(type(books), "begin", slow)
    with working(app, pool="asyncio", concurrency=1):
        with pytest.raises(SoftTimeLimitExceeded):
            books.delay().get(timeout=30)
        assert not begun
        free.set()
        assert ended.wait(10)

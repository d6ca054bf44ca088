"""The asyncio pool: many coroutines in one loop, plain functions in threads beside it."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from sqlqueue.domain.outcome import Failed, Returned, Succeeded
from sqlqueue.tasks.context import current_job
from sqlqueue.tasks.options import TaskSettings
from sqlqueue.tasks.registry import Registry
from sqlqueue.tasks.task import Task
from sqlqueue.worker.execute import Executor
from sqlqueue.worker.limits import LimitBook
from sqlqueue.worker.pools.coroutines import AsyncioPool
from tests.services.prefork_stage import SOON, Audience, eventually, value

MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="clean")


class Gate:
    """Lets tasks in, counts them, and lets them out when told."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.cancelled = 0
        self.open = threading.Event()

    def enter(self) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)

    async def wait(self) -> str | None:
        self.enter()
        try:
            while not self.open.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.inside -= 1
        return current_job.get().id

    def block(self) -> str | None:
        self.enter()
        self.open.wait(SOON)
        self.inside -= 1
        return current_job.get().id


async def add(a, b):
    return a + b


async def fail(message):
    await asyncio.sleep(0)
    raise ValueError(message)


async def soil():
    found = MARK.get()
    MARK.set("soiled")
    await asyncio.sleep(0)
    return found


async def leave_something_that_exits():
    async def leave():
        raise SystemExit(3)

    task = asyncio.get_running_loop().create_task(leave())
    await asyncio.sleep(0.01)
    return task.done()


async def within(seconds):
    async with asyncio.timeout(seconds):
        await asyncio.sleep(0)
    return threading.current_thread().name


class Loop(Audience):
    """A running asyncio pool; `gate` holds its waiting tasks."""

    def __init__(self, concurrency: int) -> None:
        super().__init__()
        self.gate = Gate()
        tasks = [add, fail, soil, leave_something_that_exits, within, self.gate.wait, self.gate.block]
        registry = Registry()
        for function in tasks:
            registry.add(Task(function, function.__name__, TaskSettings(), lambda: None))  # type: ignore[arg-type,return-value]
        self.pool = AsyncioPool(concurrency, Executor(registry, "test"), self._report, LimitBook(registry))
        self.pool.start()

    def end(self) -> None:
        self.gate.open.set()
        super().end()


@pytest.fixture
def stage():
    made: list[Loop] = []

    def make(concurrency: int) -> Loop:
        made.append(Loop(concurrency))
        return made[-1]

    yield make
    for one in made:
        one.gate.open.set()
        one.pool.stop()
        assert one.pool.join(SOON)


def test_many_coroutines_wait_at_the_same_time_and_no_more_than_allowed(stage):
    loop = stage(1000)
    jobs = [loop.job(loop.gate.wait) for _ in range(1500)]
    loop.pool.submit(jobs)
    eventually(lambda: loop.gate.inside == 1000)
    assert loop.pool.running == 1000
    assert loop.pool.load == 1500
    assert loop.pool.stuck_since() is not None
    loop.gate.open.set()
    outcomes = loop.wait(1500)
    assert all(value(outcomes[job.id]) == job.id for job in jobs), "each knows its own job"
    assert loop.gate.most == 1000
    loop.end()


def test_outcomes_of_tiny_coroutines_are_reported_many_at_a_time(stage):
    loop = stage(100)
    calls: list[int] = []
    report = loop.pool._report

    def count(done):
        calls.append(len(done))
        report(done)

    loop.pool._report = count
    jobs = [loop.job(add, n, 1) for n in range(2000)]
    loop.pool.submit(jobs)
    outcomes = loop.wait(2000)
    assert [value(outcomes[job.id]) for job in jobs] == [n + 1 for n in range(2000)]
    assert len(calls) <= 40
    loop.end()


def test_a_plain_function_does_not_block_the_loop(stage):
    loop = stage(3)
    blocking = [loop.submit(loop.gate.block) for _ in range(2)]
    eventually(lambda: loop.gate.inside == 2)
    quick = [loop.submit(add, n, 1) for n in range(50)]
    outcomes = loop.wait(50)
    assert [value(outcomes[job.id]) for job in quick] == [n + 1 for n in range(50)]
    assert loop.pool.stuck_since() is None, "a slot is free"
    third = loop.submit(loop.gate.block)
    eventually(lambda: loop.gate.inside == 3)
    assert loop.pool.stuck_since() is not None
    behind = [loop.submit(add, 1, 1), loop.submit(loop.gate.block)]
    assert loop.pool.take_back() == behind
    loop.gate.open.set()
    outcomes = loop.wait(53)
    assert {value(outcomes[job.id]) for job in (*blocking, third)} == {job.id for job in (*blocking, third)}
    loop.end()


def test_functions_and_coroutines_share_the_slots(stage):
    loop = stage(10)
    for _ in range(3):
        loop.gate.open.clear()
        before = len(loop.reported)
        jobs = [loop.job(kind) for _ in range(20) for kind in (loop.gate.block, loop.gate.wait)]
        loop.pool.submit(jobs)
        eventually(lambda: loop.gate.inside == 10)
        loop.gate.open.set()
        loop.wait(before + 40)
    assert loop.gate.most == 10
    loop.end()


def test_functions_fill_all_threads_that_have_slept(stage):
    loop = stage(8)
    for _ in range(3):
        loop.gate.open.clear()
        before = len(loop.reported)
        loop.pool.submit([loop.job(loop.gate.block) for _ in range(8)])
        eventually(lambda: loop.gate.inside == 8)
        loop.gate.open.set()
        loop.wait(before + 8)
        eventually(lambda: len(loop.pool._threads._idle) == 8)
    loop.end()


def test_failures_refusals_and_what_a_task_leaves_behind(stage):
    loop = stage(2)
    failed, unknown = loop.job(fail, "no"), loop.job(add, 1, 1)._replace(task="nobody.knows")
    strange = loop.job(leave_something_that_exits)
    loop.pool.submit([failed, unknown, strange])
    outcomes = loop.wait(3)
    assert isinstance(outcomes[failed.id], Failed)
    assert outcomes[failed.id].failure.error == "ValueError: no"
    assert isinstance(outcomes[unknown.id], Returned)
    assert isinstance(outcomes[strange.id], Succeeded), "the loop outlives what it was left with"
    after = loop.submit(within, 5)
    assert value(loop.wait(4)[after.id]) == "sqlqueue-asyncio"
    loop.end()


def test_what_one_task_sets_in_its_context_no_other_sees(stage):
    loop = stage(1)
    jobs = [loop.submit(soil) for _ in range(3)]
    outcomes = loop.wait(3)
    assert [value(outcomes[job.id]) for job in jobs] == ["clean"] * 3
    loop.end()


def test_stop_lets_what_runs_finish_and_starts_no_more(stage):
    loop = stage(2)
    running = [loop.submit(loop.gate.wait), loop.submit(loop.gate.block)]
    eventually(lambda: loop.gate.inside == 2)
    behind = [loop.submit(add, 1, 1) for _ in range(5)]
    loop.pool.stop()
    assert not loop.pool.join(0)
    assert loop.pool.take_back() == behind
    loop.gate.open.set()
    assert loop.pool.join(SOON)
    assert loop.outcomes().keys() == {job.id for job in running}
    assert loop.pool.load == 0


def test_abandon_cancels_and_returns_what_was_not_reported(stage):
    loop = stage(3)
    done = loop.submit(add, 1, 1)
    loop.wait(1)
    held = [loop.submit(loop.gate.wait), loop.submit(loop.gate.wait), loop.submit(loop.gate.block)]
    eventually(lambda: loop.gate.inside == 3)
    behind = [loop.submit(add, 1, 1) for _ in range(4)]
    left = loop.pool.abandon()
    assert {job.id for job in left} == {job.id for job in (*held, *behind)}
    assert loop.gate.cancelled == 2
    loop.gate.open.set()
    assert loop.pool.join(SOON)
    assert loop.outcomes().keys() == {done.id}

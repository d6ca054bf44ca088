"""The solo pool: what runs in the consumer's own thread can be ended from another one, and nothing else suffers."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sqlqueue.domain.outcome import Revoked, Succeeded
from sqlqueue.tasks.options import TaskSettings
from sqlqueue.tasks.registry import Registry
from sqlqueue.tasks.task import Task
from sqlqueue.worker.execute import Executor
from sqlqueue.worker.limits import LimitBook
from sqlqueue.worker.pools.solo import SoloPool
from tests.support.claimed import claimed

PATIENCE = 20.0
TERMINATED = Revoked("terminated by SIGTERM")


class Scene:
    def __init__(self) -> None:
        self.reported: list[Any] = []
        self.running = threading.Event()
        registry = Registry()
        for function in (self.work_for_ever, self.await_for_ever, self.count):
            registry.add(Task(function, function.__name__, TaskSettings(), lambda: None))  # type: ignore[arg-type,return-value]
        self.pool = SoloPool(Executor(registry, "test"), self.reported.extend, LimitBook(registry))

    def work_for_ever(self) -> None:
        self.running.set()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            threading.Event().wait(0.001)

    async def await_for_ever(self) -> None:
        self.running.set()
        await asyncio.sleep(PATIENCE)

    def count(self, n: int) -> int:
        return sum(range(n))

    @contextmanager
    def working(self, *jobs: Any) -> Iterator[None]:
        """Run these jobs in a thread of their own, which stands for the consumer's."""
        self.pool.submit(())
        thread = threading.Thread(target=self._work, args=(jobs,))
        thread.start()
        yield
        thread.join(PATIENCE)
        assert not thread.is_alive()

    def _work(self, jobs: Any) -> None:
        self.pool.submit(jobs)
        while self.pool.load:
            self.pool.submit(())
        self.pool.leave()


@pytest.fixture
def without_collector():
    """The test library's own hooks run whenever the collector does, in any thread, and an exception may hit them."""
    gc.disable()
    yield
    gc.enable()


def outcomes(scene: Scene) -> dict[str, Any]:
    assert len({job.id for job, _ in scene.reported}) == len(scene.reported), "each once"
    return {job.id: outcome for job, outcome in scene.reported}


def job(id_: str, task: str, args: str = "[]") -> Any:
    return claimed(id=id_, task=task, args=args)


def test_a_job_without_a_time_limit_is_ended_and_the_next_one_runs():
    for endless in ("work_for_ever", "await_for_ever"):
        scene = Scene()
        with scene.working(job("long", endless), job("next", "count", "[10]")):
            assert scene.running.wait(PATIENCE)
            assert not scene.pool.end("next", TERMINATED), "it does not run"
            assert scene.pool.end("long", TERMINATED)
        found = outcomes(scene)
        assert found["long"] == TERMINATED
        assert isinstance(found["next"], Succeeded)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it may hit a destructor
def test_an_exception_that_comes_at_the_last_moment_hits_no_other_job(without_collector):
    scene = Scene()
    jobs = [job(str(n), "count", "[300]") for n in range(20_000)]
    asked = set()
    with scene.working(*jobs):
        while scene.pool.load:
            for one in scene.pool.survey().running:
                if one.job.id not in asked and scene.pool.end(one.job.id, TERMINATED):
                    asked.add(one.job.id)
    found = outcomes(scene)
    assert len(found) == len(jobs)
    assert {id_ for id_, outcome in found.items() if not isinstance(outcome, Succeeded)} <= asked
    assert asked

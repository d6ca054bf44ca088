"""The pool of threads: it may be told to end in the very moment in which it makes another thread."""

import threading
from typing import Any

import pytest

from sqlqueue.tasks.options import TaskSettings
from sqlqueue.tasks.registry import Registry
from sqlqueue.tasks.task import Task
from sqlqueue.worker.execute import Executor
from sqlqueue.worker.limits import LimitBook
from sqlqueue.worker.pools.threads import ThreadPool
from tests.support.claimed import claimed

PATIENCE = 20.0


class SlowToStart(threading.Thread):
    """A thread whose start stops half-way, until it is let go on."""

    half_way = threading.Event()
    go_on = threading.Event()

    def start(self) -> None:
        self.half_way.set()
        assert self.go_on.wait(PATIENCE)
        super().start()


@pytest.fixture
def slow_to_start(monkeypatch):
    SlowToStart.half_way.clear()
    SlowToStart.go_on.clear()
    submitter = threading.Thread  # before the pool's own are replaced
    monkeypatch.setattr(threading, "Thread", SlowToStart)
    yield submitter
    SlowToStart.go_on.set()


def test_a_pool_that_ends_while_it_makes_a_thread_waits_for_that_thread_too(slow_to_start):
    reported: list[Any] = []
    registry = Registry()
    registry.add(Task(lambda: None, "nothing", TaskSettings(), lambda: None))  # type: ignore[arg-type,return-value]
    pool = ThreadPool(1, Executor(registry, "test"), reported.extend, LimitBook(registry))
    submitting = slow_to_start(target=pool.submit, args=([claimed(task="nothing")],))
    submitting.start()
    assert SlowToStart.half_way.wait(PATIENCE)
    ended: list[bool] = []

    def end() -> None:
        pool.stop()
        ended.append(pool.join(PATIENCE))

    ending = slow_to_start(target=end)
    ending.start()
    ending.join(0.3)  # it waits for the thread to be made; were it not to, it would be over by now, with an error
    SlowToStart.go_on.set()
    submitting.join(PATIENCE)
    ending.join(PATIENCE)
    assert ended == [True]
    assert len(reported) + len(pool.take_back()) == 1

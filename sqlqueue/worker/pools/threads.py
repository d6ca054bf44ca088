"""Threads that take jobs from one shared line, made as they are needed.

A job that waits behind a long one is not stuck: the next free thread takes it, and `take_back` may too, since taking
from a deque is atomic.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.worker.execute import Executor
    from sqlqueue.worker.pools.pool import Report


class ThreadPool:
    """Up to ``concurrency`` threads.

    Parameters
    ----------
    executor: turns a job into an outcome.
    report: is told each outcome as it comes.
    """

    kind = "threads"

    def __init__(self, concurrency: int, executor: Executor, report: Report) -> None:
        self.concurrency = concurrency
        self._executor = executor
        self._report = report
        self._line: deque[Job] = deque()
        self._running: dict[int, tuple[Job, float]] = {}
        self._work = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._stopping = False

    @property
    def load(self) -> int:
        """Jobs in the line and in the threads."""
        return len(self._line) + len(self._running)

    @property
    def running(self) -> int:
        """Jobs in the threads."""
        return len(self._running)

    @property
    def lost(self) -> bool:
        """Never: only processes can be lost."""
        return False

    def start(self) -> None:
        """Nothing to make yet."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Put jobs in the line and make or wake as many threads as there is work for."""
        if not jobs:
            return
        self._line.extend(jobs)
        while len(self._threads) < min(self.concurrency, self.load):
            self._hire()
        self._work.release(min(len(jobs), self.concurrency))

    def take_back(self) -> list[Job]:
        """Empty the line."""
        taken = []
        while self._line:
            try:
                taken.append(self._line.popleft())
            except IndexError:  # a thread was quicker
                break
        return taken

    def stuck_since(self) -> float | None:
        """Return when the last of the threads that are all busy started its job."""
        started = self.starts()
        return max(started) if len(started) == self.concurrency else None

    def starts(self) -> list[float]:
        """Return when each of the running jobs started."""
        return [moment for _, moment in list(self._running.values())]

    def stop(self) -> None:
        """Let the threads end after their present jobs."""
        self._stopping = True
        self._work.release(self.concurrency)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the threads to end."""
        deadline = None if timeout is None else monotonic() + timeout
        for thread in self._threads:
            thread.join(None if deadline is None else max(deadline - monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def abandon(self) -> list[Job]:
        """Return what was not reported; threads cannot be killed, so the process must end next."""
        self._stopping = True
        left = self.take_back()
        while self._running:
            try:
                left.append(self._running.popitem()[1][0])  # whoever gets it out, this or the thread, has the job
            except KeyError:  # the thread was quicker
                break
        return left

    def _hire(self) -> None:
        number = len(self._threads)
        thread = threading.Thread(target=self._serve, args=(number,), name=f"sqlqueue-slot-{number}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, number: int) -> None:
        line, running, execute, report = self._line, self._running, self._executor.execute, self._report
        while not self._stopping:
            try:
                job = line.popleft()
            except IndexError:
                self._work.acquire()
                continue
            running[number] = (job, monotonic())
            outcome = execute(job)
            if running.pop(number, None) is not None:  # else abandoned
                report(((job, outcome),))
        self._executor.close_thread()

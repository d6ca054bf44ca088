"""One job at a time, in the consumer's own thread: nothing to hand over, so nothing is quicker for tiny tasks.

The consumer settles and claims between slices; while a task runs, nothing else of the consumer does.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.worker.execute import Executor
    from sqlqueue.worker.pools.pool import Report

SLICE = 0.05
"""Seconds of work between two settlements: a result does not wait longer than this for others."""


class SoloPool:
    """The consumer's thread."""

    kind = "solo"
    concurrency = 1

    def __init__(self, executor: Executor, report: Report) -> None:
        self._executor = executor
        self._report = report
        self._line: deque[Job] = deque()
        self._current: tuple[Job, float] | None = None
        self._stopping = False
        self._quiet = threading.Event()
        self._quiet.set()

    @property
    def load(self) -> int:
        """Jobs in the line, and the one that runs."""
        return len(self._line) + self.running

    @property
    def running(self) -> int:
        """One or none."""
        return 1 if self._current is not None else 0

    @property
    def lost(self) -> bool:
        """Never: only processes can be lost."""
        return False

    def start(self) -> None:
        """Nothing to make."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Run the line for one slice of time; what is left runs at the next call, which may bring no jobs."""
        line, execute = self._line, self._executor.execute
        line.extend(jobs)
        self._quiet.clear()
        done: list[tuple[Job, Outcome]] = []
        now = monotonic()
        until = now + SLICE
        while now < until and not self._stopping:
            try:
                job = line.popleft()
            except IndexError:
                break
            self._current = (job, now)
            done.append((job, execute(job)))
            now = monotonic()
        self._current = None
        if done:
            self._report(done)
        self._quiet.set()

    def take_back(self) -> list[Job]:
        """Empty the line."""
        taken = []
        while self._line:
            try:
                taken.append(self._line.popleft())
            except IndexError:  # the consumer was quicker
                break
        return taken

    def stuck_since(self) -> float | None:
        """Return when the present job started."""
        current = self._current
        return current[1] if current else None

    def stop(self) -> None:
        """Start no more jobs."""
        self._stopping = True

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the present slice to end."""
        return self._quiet.wait(timeout)

    def abandon(self) -> list[Job]:
        """Return what was not reported."""
        self._stopping = True
        return [*self.take_back(), *([self._current[0]] if self._current else [])]

"""Before the pool: jobs of tasks with a rate limit wait here for their turn, or go back until it is near.

What waits here holds up no other job and takes no slot. A worker without such tasks pays one look at an empty table
for each claim.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from signal import SIGKILL
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.outcome import RATE_LIMITED, Outcome, Returned
from sqlqueue.domain.rates import Pace, interval
from sqlqueue.services.alarms import Alarms
from sqlqueue.worker.pools.pool import take_from
from sqlqueue.worker.pools.solo import SoloPool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.rates import Rate
    from sqlqueue.worker.limits import LimitBook
    from sqlqueue.worker.pools.pool import Pool, Report, Survey


class Pacer:
    """A pool that starts some tasks only so often.

    Parameters
    ----------
    rates: of tasks that have one.
    report: is told of jobs that go back.
    wake: lets the consumer come by, for a pool that runs jobs in the consumer's thread.
    """

    def __init__(self, pool: Pool, rates: Mapping[str, Rate], report: Report, wake: Callable[[], object]) -> None:
        self.kind = pool.kind
        self.limits: LimitBook = pool.limits
        self._pool = pool
        self._report = report
        self._wake = wake
        self._paces: dict[str, Pace] = {}
        self._waiting: dict[str, Job] = {}
        self._due: deque[Job] = deque()
        self._alarms = Alarms("rates")
        self._lock = threading.Lock()
        self._stopping = False
        for task, rate in rates.items():
            self.set_rate(task, rate)

    def set_rate(self, task: str, rate: Rate) -> None:
        """Change how often a task may start in this worker; raises ConfigError for what is no rate."""
        every = interval(rate)
        with self._lock:
            self._paces = {name: pace for name, pace in self._paces.items() if name != task}
            if every is not None:
                self._paces[task] = Pace(every)

    @property
    def concurrency(self) -> int:
        """Jobs at a time."""
        return self._pool.concurrency

    @property
    def load(self) -> int:
        """Jobs in the pool; what waits for its turn is not counted, so that others are claimed."""
        return self._pool.load + len(self._due)

    @property
    def running(self) -> int:
        """Jobs that run."""
        return self._pool.running

    @property
    def lost(self) -> bool:
        """Whether the pool is broken for good."""
        return self._pool.lost

    @property
    def room(self) -> int:
        """Jobs at a time at most."""
        return self._pool.room

    @property
    def processes(self) -> list[int]:
        """The processes that jobs run in."""
        return self._pool.processes

    def survey(self) -> Survey:
        """Return the jobs that run, and those that wait here or in the pool."""
        with self._lock:
            waiting = [*self._waiting.values(), *self._due]
        found = self._pool.survey()
        return found._replace(waiting=waiting + found.waiting)

    def start(self) -> None:
        """Start the pool."""
        self._pool.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand on what may start now."""
        if self._paces:
            jobs = self._admit(jobs)
        if self._due:
            jobs = [*(self._due.popleft() for _ in range(len(self._due))), *jobs]
        self._pool.submit(jobs)

    def _admit(self, jobs: Sequence[Job]) -> list[Job]:
        admitted: list[Job] = []
        back: list[tuple[Job, Outcome]] = []
        now = monotonic()
        with self._lock:
            for job in jobs:
                pace = self._paces.get(job.task)
                wait, turn = pace.next(now) if pace is not None else (0.0, True)
                if not turn:
                    back.append((job, Returned(wait, RATE_LIMITED)))
                elif wait <= 0:
                    admitted.append(job)
                else:
                    self._waiting[job.id] = job
                    self._alarms.set(now + wait, partial(self._come_due, job.id))
        if back:
            self._report(back)
        return admitted

    def _come_due(self, id_: str) -> None:
        """Hand on a job whose turn has come, in the clock's thread."""
        with self._lock:
            job = None if self._stopping else self._waiting.pop(id_, None)
        if job is None:
            return  # taken back, or soon to be
        if self.kind == "solo":
            self._due.append(job)
            self._wake()
        else:
            self._pool.submit([job])

    def take_back(self, ids: Collection[str] | None = None) -> list[Job]:
        """Take back what has not started, here or in the pool."""
        with self._lock:
            taken = [job for job in self._waiting.values() if ids is None or job.id in ids]
            for job in taken:
                del self._waiting[job.id]
        return taken + take_from(self._due, ids) + self._pool.take_back(ids)

    def stuck_since(self) -> float | None:
        """Return since when every slot has been busy."""
        return self._pool.stuck_since()

    def end(self, id_: str, outcome: Outcome, by: int = SIGKILL) -> bool:
        """End a running job."""
        return self._pool.end(id_, outcome, by)

    def resize(self, concurrency: int, *, anew: bool = False) -> None:
        """Run so many jobs at a time."""
        self._pool.resize(concurrency, anew=anew)

    def stop(self) -> None:
        """Start no more jobs."""
        self._stopping = True
        self._pool.stop()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the pool."""
        return self._pool.join(timeout)

    def leave(self) -> None:
        """Close what jobs have left in the calling thread: the consumer's, which ends."""
        if isinstance(self._pool, SoloPool):
            self._pool.leave()

    def abandon(self) -> list[Job]:
        """Return everything that was not reported."""
        self._stopping = True
        return [*self.take_back(), *self._pool.abandon()]

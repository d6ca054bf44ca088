"""Coroutines: the ``asyncio`` pool. Thousands of tasks that wait for something, in one event loop in one thread.

What crosses the threads goes in batches: one call into the loop for each claim, one report for each round of the
loop. A task that is a plain function runs in a thread beside the loop, so that it holds up nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import sys
import threading
from collections import deque
from signal import SIGKILL
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import SoftTimeLimitExceeded
from sqlqueue.worker.interrupt import Interruptible
from sqlqueue.worker.limits import too_long
from sqlqueue.worker.pools.guard import escaped
from sqlqueue.worker.pools.pool import Executing, Survey, refuse_anew, take_from
from sqlqueue.worker.pools.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.worker.execute import Executor
    from sqlqueue.worker.limits import LimitBook
    from sqlqueue.worker.pools.pool import Report

logger = logging.getLogger("sqlqueue.worker")

GRACE = 1.0
"""Seconds that cancelled tasks, and what tasks have left behind in the loop, may take to end."""


class Run(NamedTuple):
    """A job in the loop; the timers are its limits."""

    job: Job
    started: float
    task: asyncio.Task[None]
    timers: Sequence[asyncio.TimerHandle] = ()


class AsyncioPool:
    """One event loop.

    Parameters
    ----------
    concurrency: jobs at a time; plain functions among them have a thread each.
    report: is told outcomes, those of one round of the loop together.
    """

    kind = "asyncio"
    room = sys.maxsize

    def __init__(self, concurrency: int, executor: Executor, report: Report, limits: LimitBook) -> None:
        self.concurrency = concurrency
        self.limits = limits
        self._executor = executor
        self._report = report
        self._line: deque[Job] = deque()
        self._running: dict[str, Run] = {}
        self._done: list[tuple[Job, Outcome]] = []
        self._clean = contextvars.copy_context()  # what a task sets is not handed on to those started after it
        self._told = False
        self._stopping = False
        self._over = False
        self._threads = ThreadPool(concurrency, executor, self._report_from_thread, limits)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sqlqueue-asyncio", daemon=True)

    @property
    def load(self) -> int:
        """Jobs in the line, in the loop and in threads."""
        return len(self._line) + len(self._running) + self._threads.load

    @property
    def running(self) -> int:
        """Jobs in the loop and in threads."""
        return len(self._running) + self._threads.running

    @property
    def lost(self) -> bool:
        """Never: only processes can be lost."""
        return False

    @property
    def processes(self) -> list[int]:
        """This one."""
        return [os.getpid()]

    def survey(self) -> Survey:
        """Return the jobs in the loop and in threads, and both lines."""
        runs = [Executing(run.job, run.started, os.getpid()) for run in list(self._running.values())]
        beside = self._threads.survey()
        return Survey(runs + beside.running, list(self._line) + beside.waiting)

    def start(self) -> None:
        """Start the loop's thread."""
        self._thread.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Put jobs in the line and tell the loop, once for all of them."""
        if jobs:
            self.limits.note(jobs)
            self._line.extend(jobs)
            self._tell()

    def take_back(self, ids: Collection[str] | None = None) -> list[Job]:
        """Empty the lines, or take these out of them."""
        return self._threads.take_back(ids) + take_from(self._line, ids)

    def stuck_since(self) -> float | None:
        """Return when the last of the jobs started that fill every slot."""
        if self.running < self.concurrency:
            return None
        return max([*self._threads.starts(), *(run.started for run in list(self._running.values()))])

    def end(self, id_: str, outcome: Outcome, by: int = SIGKILL) -> bool:
        """End a running job with this outcome; its coroutine is cancelled, and not waited for."""
        run = self._running.pop(id_, None)
        if run is None:
            return self._threads.end(id_, outcome, by)
        self._report(((run.job, outcome),))
        self._call(run.task.cancel)
        self._tell()
        return True

    def resize(self, concurrency: int, *, anew: bool = False) -> None:
        """Run so many jobs at a time from now on; what runs already goes on."""
        refuse_anew(self.kind, anew=anew)
        self.concurrency = concurrency
        self._threads.resize(concurrency)
        self._tell()

    def stop(self) -> None:
        """Start no more jobs; the loop ends after its present ones."""
        self._stopping = True
        self._threads.stop()
        self._tell()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the loop and the threads to end."""
        deadline = None if timeout is None else monotonic() + timeout
        if self._thread.ident is not None:
            self._thread.join(timeout)
        left = None if deadline is None else max(deadline - monotonic(), 0.0)
        return self._threads.join(left) and not self._thread.is_alive()

    def abandon(self) -> list[Job]:
        """Cancel the coroutines; return every job that was not reported. What runs in threads cannot be stopped."""
        self._stopping = True
        left = [*self.take_back(), *self._threads.abandon()]
        tasks = []
        while self._running:
            try:
                _, run = self._running.popitem()  # whoever gets it out, this or `_finish`, has the job
            except KeyError:  # the loop was quicker
                break
            left.append(run.job)
            tasks.append(run.task)
        self._call(lambda: [task.cancel() for task in tasks])
        self._tell()
        if self._thread.ident is not None:
            self._thread.join(GRACE)
        return left

    # --- the loop's thread ---

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._over:
            try:
                self._loop.run_forever()
            except BaseException:  # what a task has left in the loop may exit; the others go on
                logger.exception("asyncio: the loop was interrupted (will go on)")
        self._loop.run_until_complete(_end_the_rest())
        self._loop.close()

    def _feed(self) -> None:
        """Start what there is room for, in the order of the line."""
        self._told = False  # before looking at the line, or what is put there just now is slept through
        line = self._line
        plain: list[Job] = []
        free = self.concurrency - len(self._running) - self._threads.load
        while line and free > len(plain) and not self._stopping:
            try:
                job = line.popleft()
            except IndexError:  # taken back
                break
            if self._executor.is_coroutine(job):
                self._running[job.id] = self._begin(job)
                free -= 1
            else:
                plain.append(job)
        self._threads.submit(plain)
        if self._stopping and not self._running and not self._done:
            self._over = True
            self._loop.stop()

    def _begin(self, job: Job) -> Run:
        limits = self.limits.of(job) if self.limits.some else None
        if limits is None:
            return Run(job, monotonic(), self._loop.create_task(self._work(job)))
        soft, hard = limits
        work = Interruptible(self._work(job), self._loop)
        timers = []
        if soft is not None:
            timers.append(self._loop.call_later(soft, work.interrupt_now, SoftTimeLimitExceeded()))
        if hard is not None:
            timers.append(self._loop.call_later(hard, lambda: self.end(job.id, too_long(hard, hard))))
        return Run(job, monotonic(), self._loop.create_task(work), timers)

    async def _work(self, job: Job) -> None:
        started = monotonic()
        try:
            outcome = await self._executor.aexecute(job)
        except BaseException as error:  # the loop must go on, and know that the job is over
            if job.id not in self._running:  # ended from outside: cancelled
                raise
            outcome = escaped(job, error, started)
        self._finish(job, outcome)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        """Keep an outcome until this round of the loop is over."""
        run = self._running.pop(job.id, None)
        if run is None:
            return  # ended from outside
        for timer in run.timers:
            timer.cancel()
        if not self._done:
            self._loop.call_soon(self._flush, context=self._clean)
        self._done.append((job, outcome))

    def _flush(self) -> None:
        """Report what this round has brought, and fill the slots that are free now."""
        done, self._done = self._done, []
        self._report(done)
        self._feed()

    def _report_from_thread(self, done: Sequence[tuple[Job, Outcome]]) -> None:
        self._report(done)
        if self._line and not self._threads.waiting:
            self._tell()

    def _tell(self) -> None:
        """Let the loop look at the line, unless it will anyway."""
        if not self._told:
            self._told = True
            self._call(self._feed)

    def _call(self, function: Callable[[], object]) -> None:
        """Call a function in the loop, if it still runs."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function)


async def _end_the_rest() -> None:
    """Cancel what tasks have left behind in the loop."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=GRACE)
    await asyncio.get_running_loop().shutdown_asyncgens()

"""Threads that take jobs from one shared line, made as they are needed.

A job that waits behind a long one is not stuck: the next free thread takes it, and `take_back` may too, since taking
from a deque is atomic. A thread cannot be killed: one whose job is ended from outside is left to itself, and another
takes its place.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections import deque
from signal import SIGKILL
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.worker.pools.guard import FROM_OUTSIDE, Guard, escaped, exception_of
from sqlqueue.worker.pools.pool import Executing, Survey, refuse_anew, take_from

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.worker.execute import Executor
    from sqlqueue.worker.limits import LimitBook
    from sqlqueue.worker.pools.pool import Report


class ThreadPool:
    """Up to ``concurrency`` threads.

    Parameters
    ----------
    executor: turns a job into an outcome.
    report: is told each outcome as it comes.
    """

    kind = "threads"
    room = sys.maxsize

    def __init__(self, concurrency: int, executor: Executor, report: Report, limits: LimitBook) -> None:
        self.concurrency = concurrency
        self.limits = limits
        self._executor = executor
        self._report = report
        self._guard = Guard(executor, self.end)
        self._line: deque[Job] = deque()
        self._running: dict[int, tuple[Job, float]] = {}
        self._work = threading.Semaphore(0)
        self._numbers = itertools.count()
        self._threads: dict[int, threading.Thread] = {}
        self._open: set[int] = set()  # the numbers of the threads that may take another job
        self._idle: set[int] = set()
        self._waking = False  # whether a thread was woken that has not looked at the line yet
        self._stopping = False
        self._staffing = threading.RLock()  # held while threads are made, counted or let go

    @property
    def load(self) -> int:
        """Jobs in the line and in the threads."""
        return len(self._line) + len(self._running)

    @property
    def running(self) -> int:
        """Jobs in the threads."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Jobs in the line."""
        return len(self._line)

    @property
    def lost(self) -> bool:
        """Never: only processes can be lost."""
        return False

    @property
    def processes(self) -> list[int]:
        """This one."""
        return [os.getpid()]

    def survey(self) -> Survey:
        """Return the jobs in the threads, and the line."""
        running = [Executing(job, started, os.getpid()) for job, started in list(self._running.values())]
        return Survey(running, list(self._line))

    def start(self) -> None:
        """Nothing to make yet."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Put jobs in the line, and make threads for them or wake one that sleeps, which wakes the next."""
        if not jobs:
            return
        self.limits.note(jobs)
        self._line.extend(jobs)
        self._hire()
        self._rouse()

    def take_back(self, ids: Collection[str] | None = None) -> list[Job]:
        """Empty the line, or take these out of it."""
        return take_from(self._line, ids)

    def stuck_since(self) -> float | None:
        """Return when the last of the threads that are all busy started its job."""
        started = self.starts()
        return max(started) if len(started) >= self.concurrency else None

    def starts(self) -> list[float]:
        """Return when each of the running jobs started."""
        return [moment for _, moment in list(self._running.values())]

    def end(self, id_: str, outcome: Outcome, by: int = SIGKILL) -> bool:  # noqa: ARG002 - nobody has a process
        """End a running job with this outcome. Its thread is asked to give up, and replaced."""
        for number, (job, _) in list(self._running.items()):
            if job.id == id_ and self._running.pop(number, None) is not None:
                with self._staffing:
                    self._open.discard(number)
                thread = self._threads.pop(number)
                error = exception_of(outcome)
                if thread.ident is not None and not self._guard.interrupt(thread.ident, job, error):
                    self._executor.interrupt(thread.ident, error)
                self._report(((job, outcome),))
                self._hire()
                return True
        return False

    def resize(self, concurrency: int, *, anew: bool = False) -> None:
        """Run so many jobs at a time from now on; what runs already goes on."""
        refuse_anew(self.kind, anew=anew)
        with self._staffing:
            self.concurrency = concurrency
            surplus = max(len(self._open) - concurrency, 0)
            self._open.difference_update(sorted(self._open, key=lambda number: number in self._running)[:surplus])
            self._wake_sleepers()
            self._hire()

    def stop(self) -> None:
        """Let the threads end after their present jobs."""
        with self._staffing:
            self._stopping = True
            self._open.clear()
            self._wake_sleepers()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the threads to end."""
        deadline = None if timeout is None else monotonic() + timeout
        with self._staffing:  # else one might be there that has not been started yet
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(None if deadline is None else max(deadline - monotonic(), 0.0))
        return not any(thread.is_alive() for thread in threads)

    def abandon(self) -> list[Job]:
        """Return what was not reported; threads cannot be killed, so the process must end next."""
        self.stop()
        left = self.take_back()
        while self._running:
            try:
                left.append(self._running.popitem()[1][0])  # whoever gets it out, this or the thread, has the job
            except KeyError:  # the thread was quicker
                break
        return left

    def _wake_sleepers(self) -> None:
        """Let every thread see that it is not wanted any more."""
        if self._threads:
            self._work.release(len(self._threads))

    def _hire(self) -> None:
        """Make a thread for each job in the line for which none is idle, as far as allowed."""
        with self._staffing:
            wanted = min(len(self._line) - len(self._idle), self.concurrency - len(self._open))
            for _ in range(0 if self._stopping else wanted):
                number = next(self._numbers)
                self._open.add(number)
                self._threads[number] = threading.Thread(
                    target=self._serve, args=(number,), name=f"sqlqueue-slot-{number}", daemon=True
                )
                self._threads[number].start()

    def _rouse(self) -> None:
        """Wake one thread, unless one is waking: it will wake the next, if the line is not empty by then.

        To wake as many as there are jobs would let them fight over the interpreter for jobs that are over in no time.
        """
        if self._idle and not self._waking:
            self._waking = True
            self._work.release()

    def _rest(self, number: int) -> None:
        """Sleep until woken, unless the line has been filled meanwhile."""
        self._idle.add(number)
        if not self._line:
            self._work.acquire()
        self._idle.discard(number)
        self._waking = False  # before it looks at the line, so that whoever fills it after that wakes another

    def _serve(self, number: int) -> None:
        try:
            self._serve_line(number)
        except FROM_OUTSIDE:  # left to itself, and told so late
            pass
        except BaseException as error:  # noqa: BLE001 - another takes its place
            self._fell(number, error)
        self._idle.discard(number)
        self._waking = False
        if self._line:
            self._rouse()
        self._executor.close_thread()
        if not self._stopping:
            self._threads.pop(number, None)

    def _fell(self, number: int, error: BaseException) -> None:
        """Let another thread take the place of one that ends for what came out of its job."""
        with self._staffing:
            self._open.discard(number)
        found = self._running.pop(number, None)
        if found is not None:  # else it was ended from outside
            self._report(((found[0], escaped(found[0], error, found[1])),))
        self._hire()

    def _serve_line(self, number: int) -> None:
        line, running, execute, limits = self._line, self._running, self._executor.execute, self.limits
        while number in self._open:
            try:
                job = line.popleft()
            except IndexError:
                self._rest(number)
                continue
            if line and not self._waking:
                self._rouse()
            running[number] = (job, monotonic())
            bound = limits.of(job) if limits.some else None
            outcome = execute(job) if bound is None else self._guard.run(job, bound)
            if running.pop(number, None) is not None:  # else it was ended from outside
                self._report(((job, outcome),))

"""One job at a time, in the consumer's own thread: nothing to hand over, so nothing is quicker for tiny tasks.

The consumer settles and claims between slices; while a task runs, nothing else of the consumer does.

A running job is ended by an exception in this thread, which may come when the job is hardly over: whoever asks for one
leaves a **sentence** first and looks then whether the job still runs; the thread says first that it does not, and looks
then for a sentence. So one of the two sees the other, and what was asked for and not raised yet is taken back.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from signal import SIGKILL
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.outcome import Committed, Returned, Succeeded
from sqlqueue.errors import ConfigError
from sqlqueue.worker.interrupt import raise_in
from sqlqueue.worker.pools.guard import FROM_OUTSIDE, Guard, escaped, exception_of
from sqlqueue.worker.pools.pool import Executing, Survey, refuse_anew, take_from

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.worker.execute import Executor
    from sqlqueue.worker.limits import LimitBook
    from sqlqueue.worker.pools.pool import Report

SLICE = 0.05
"""Seconds of work between two settlements: a result does not wait longer than this for others."""


class SoloPool:
    """The consumer's thread."""

    kind = "solo"
    concurrency = 1
    room = 1

    def __init__(self, executor: Executor, report: Report, limits: LimitBook) -> None:
        self.limits = limits
        self._executor = executor
        self._guard = Guard(executor, self.end)
        self._thread = 0
        self._sentence: tuple[str, Outcome] | None = None
        self._lock = threading.Lock()
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

    @property
    def processes(self) -> list[int]:
        """This one."""
        return [os.getpid()]

    def survey(self) -> Survey:
        """Return the job that runs, and the line."""
        current = self._current
        return Survey([Executing(*current, os.getpid())] if current is not None else [], list(self._line))

    def start(self) -> None:
        """Nothing to make."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Run the line for one slice of time; what is left runs at the next call, which may bring no jobs."""
        line, limits, execute = self._line, self.limits, self._executor.execute
        limits.note(jobs)
        line.extend(jobs)
        self._thread = threading.get_ident()
        self._quiet.clear()
        done: list[tuple[Job, Outcome]] = []
        now = monotonic()
        until = now + SLICE
        while now < until and not self._stopping:
            try:
                job = line.popleft()
            except IndexError:
                break
            outcome: Outcome | None = None
            try:
                self._current = (job, now)
                bound = limits.of(job) if limits.some else None
                outcome = execute(job) if bound is None else self._guard.run(job, bound)
                self._current = None
                if self._sentence is not None:
                    outcome = self._sentenced(job, outcome)
            except FROM_OUTSIDE:  # it came too late for the job, or too early
                outcome = self._sentenced(job, outcome)
            except BaseException as error:  # noqa: BLE001 - the consumer itself must go on
                outcome = self._sentenced(job, escaped(job, error, now))
            done.append((job, outcome))
            now = monotonic()
        if done:
            self._report(done)
        self._quiet.set()

    def _sentenced(self, job: Job, outcome: Outcome | None) -> Outcome:
        """Return what the job ends with that somebody wanted to end: its own success, if it came to that."""
        while True:  # again when the exception comes only now
            try:
                self._current = None
                with self._lock:
                    raise_in(self._thread, None)
                    sentence, self._sentence = self._sentence, None
            except FROM_OUTSIDE:
                continue
            if sentence is not None and sentence[0] == job.id and not isinstance(outcome, Succeeded | Committed):
                return sentence[1]
            return outcome if outcome is not None else Returned(started=True)

    def take_back(self, ids: Collection[str] | None = None) -> list[Job]:
        """Empty the line, or take these out of it."""
        return take_from(self._line, ids)

    def stuck_since(self) -> float | None:
        """Return when the present job started."""
        current = self._current
        return current[1] if current else None

    def end(self, id_: str, outcome: Outcome, by: int = SIGKILL) -> bool:  # noqa: ARG002 - nobody has a process
        """Raise an exception in the running job: nothing harder can be done here."""
        with self._lock:
            self._sentence = (id_, outcome)
            current = self._current
            if current is None or current[0].id != id_:
                self._sentence = None
                return False
            self._executor.interrupt(self._thread, exception_of(outcome))
            return True

    def resize(self, concurrency: int, *, anew: bool = False) -> None:
        """Refuse: it is one thread."""
        refuse_anew(self.kind, anew=anew)
        raise ConfigError(f"a solo pool runs one job at a time, not {concurrency}")

    def stop(self) -> None:
        """Start no more jobs."""
        self._stopping = True

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the present slice to end."""
        return self._quiet.wait(timeout)

    def leave(self) -> None:
        """Close the event loop of the consumer's thread."""
        self._executor.close_thread()

    def abandon(self) -> list[Job]:
        """Return what was not reported."""
        self._stopping = True
        return [*self.take_back(), *([self._current[0]] if self._current else [])]

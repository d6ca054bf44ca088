"""Runs jobs under their time limits in threads of this process: the soft limit by an exception from outside.

The thread that runs the job and the clock that warns it must agree when the job is over, or the exception would hit
the next one: both take the lock, and what was asked for and not raised yet is taken back.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.outcome import Crashed, Failed, Revoked
from sqlqueue.errors import SoftTimeLimitExceeded, TaskRevoked, TimeLimitExceeded
from sqlqueue.serialization.failures import describe
from sqlqueue.services.alarms import Alarms
from sqlqueue.worker.interrupt import raise_in
from sqlqueue.worker.limits import too_long

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.limits import Limits
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.services.alarms import Alarm
    from sqlqueue.worker.execute import Executor


logger = logging.getLogger("sqlqueue.worker")

FROM_OUTSIDE = (SoftTimeLimitExceeded, TimeLimitExceeded, TaskRevoked)
"""What may be raised in a job's thread, and come when it is hardly in the job any more."""


def exception_of(outcome: Outcome) -> type[BaseException]:
    """Return what to raise in a task whose job has ended with this outcome already."""
    return TaskRevoked if isinstance(outcome, Revoked) else TimeLimitExceeded


def escaped(job: Job, error: BaseException, started: float) -> Outcome:
    """Return what becomes of a job from whose run something came that should have stopped in ``execute``.

    It counts as a crash, so that a job which does this to every worker ends as failed.

    Parameters
    ----------
    started: when it was, monotonic.
    """
    if isinstance(error, FROM_OUTSIDE):
        return Failed(describe(error), monotonic() - started)
    kind = type(error).__qualname__
    logger.error("%s[%s]: %s left its run, which counts as a crash", job.task, job.id, kind, exc_info=error)
    return Crashed(f"{kind} left its run")


class Guard:
    """The clock of one pool.

    Parameters
    ----------
    end: ends a running job with an outcome, the hard way.
    """

    def __init__(self, executor: Executor, end: Callable[[str, Outcome], object]) -> None:
        self._executor = executor
        self._end = end
        self._alarms = Alarms("limits")
        self._lock = threading.Lock()
        self._guarded: dict[int, Job] = {}

    def run(self, job: Job, limits: Limits) -> Outcome:
        """Run one job in this thread; never raises."""
        thread, started = threading.get_ident(), monotonic()
        outcome: Outcome | None = None
        self._guarded[thread] = job
        alarms = list(self._set(job, limits, thread, started))
        while True:  # again when an exception from outside comes at the last moment
            try:
                if outcome is None:
                    outcome = self._executor.execute(job)
                for alarm in alarms:
                    alarm.cancel()
                with self._lock:
                    self._guarded.pop(thread, None)
                    raise_in(thread, None)
            except FROM_OUTSIDE as error:
                outcome = outcome or Failed(describe(error), monotonic() - started)
            except BaseException as error:  # noqa: BLE001 - the alarms must not outlive the job
                outcome = outcome or escaped(job, error, started)
            else:
                return outcome

    def interrupt(self, thread: int, job: Job, error: type[BaseException]) -> bool:
        """Raise ``error`` in the thread if it is still in that job; tell whether it was."""
        with self._lock:
            if self._guarded.get(thread) is not job:
                return False
            self._executor.interrupt(thread, error)
            return True

    def _set(self, job: Job, limits: Limits, thread: int, started: float) -> list[Alarm]:
        alarms = []
        soft, hard = limits
        if soft is not None:
            alarms.append(self._alarms.set(started + soft, lambda: self.interrupt(thread, job, SoftTimeLimitExceeded)))
        if hard is not None:
            alarms.append(self._alarms.set(started + hard, lambda: self._end(job.id, too_long(hard, hard))))
        return alarms

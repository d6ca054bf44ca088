"""One run of a transactional task: begins its transaction, and commits it with the job's success or undoes it.

Previous room: ``execute``; the transaction itself is ``client.transaction``.
"""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.outcome import Committed, Failed, Outcome, Returned, Succeeded
from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.errors import StoreUnavailable
from sqlqueue.serialization.failures import describe
from sqlqueue.services.testsignals import reached
from sqlqueue.signals import RUNS
from sqlqueue.tasks import around
from sqlqueue.tasks.context import Context
from sqlqueue.tasks.hooks import tell
from sqlqueue.worker.keeping import kept_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sqlqueue.client.contents import Contents
    from sqlqueue.client.transaction import TaskTransaction
    from sqlqueue.domain.job import Job
    from sqlqueue.tasks.task import Task

logger = logging.getLogger("sqlqueue.worker")

NOT_BEGUN_PAUSE = 1.0
"""Seconds until a job is tried again for which no transaction could be begun."""


class TransactionalRun:
    """One run; `begin`, then `commit` unless the task raised, then `end`."""

    def __init__(self, task: Task[..., Any, Any], job: Job, hostname: str, contents: Contents) -> None:
        self.context = Context(job, hostname, contents)
        self._write = contents.write_result()
        self.started = monotonic()
        self._task = task
        self._job = job
        self._transaction: TaskTransaction | None = None
        self._ending = threading.Lock()  # a run that is ended from outside may be in its commit, in a thread
        self._over = False
        self._committed: Committed | None = None

    def begin(self) -> Outcome | None:
        """Begin the transaction; return what became of the job if there is none."""
        try:
            transaction = self._task.begin()
        except StoreUnavailable as error:
            return Returned(NOT_BEGUN_PAUSE, f"no transaction could be begun: {error}")
        except BaseException as error:  # noqa: BLE001 - what stands here is the app's mistake, not a worker's
            return Failed(describe(error), 0.0)
        with self._ending:
            if self._over:  # the job was ended while this waited, in a thread, for the database
                transaction.end()
                return Returned(0.0, "it was ended before its transaction had begun")
            self._transaction = self.context.transaction = transaction
        self.started = monotonic()
        reached("job-started")
        return None

    def joined(self) -> AbstractContextManager[None]:
        """Let what the task sends join its transaction."""
        return self._transaction.joined() if self._transaction is not None else nullcontext()

    async def in_a_loop(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await an ``async def`` task; what is joined is joined in one asyncio task only."""
        with self.joined():
            return await coroutine

    def commit(self, value: Any) -> Outcome:
        """Commit what the task did together with its success; if the job is no longer ours, undo it."""
        result, runtime = kept_of(self._job, value, self._write), monotonic() - self.started
        finish = Finish(self._job.id, State.SUCCEEDED, result, runtime, None, self._job.crashes)
        with self._ending:
            if self._transaction is None or not self._transaction.commit(self._job, finish):
                return Returned(0.0, "the job was no longer this worker's: all that it did is undone", started=True)
            self._committed = Committed(result, runtime)
        self._tell(Succeeded(result, runtime), value)
        return self._committed

    def _tell(self, outcome: Succeeded, value: Any) -> None:
        try:
            if self._task.hooked:
                tell(self._task, outcome, value)
            if RUNS.watched:
                around.end(self._task, outcome, value)
        except BaseException:  # a receiver that calls sys.exit()
            logger.exception("telling what came of a job of %s failed; it is committed", self._task.name)

    def undone(self, error: BaseException) -> Outcome | None:
        """Return what became of the job when an exception came after its transaction, None when that is undone."""
        if self._committed is not None:
            return self._committed
        in_doubt = self._transaction is not None and self._transaction.is_in_doubt(error)
        self.end()  # before the hooks of the task's class
        return Returned(0.0, "nobody knows whether its transaction was committed", started=True) if in_doubt else None

    def end(self) -> None:
        """Undo what is not committed, and let go of the connection."""
        with self._ending:
            self._over = True
            transaction, self._transaction, self.context.transaction = self._transaction, None, None
            if transaction is not None:
                transaction.end()

"""Runs one job: finds the task, decodes the arguments, calls it. Exceptions stop here; what leaves is an outcome.

Next room: ``meaning``, when it raised; then ``domain.settlement``.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.outcome import (
    NOT_REGISTERED,
    Outcome,
    Returned,
    Revoked,
    Succeeded,
)
from sqlqueue.errors import EncodingError
from sqlqueue.serialization.json import decode
from sqlqueue.services.testsignals import reached
from sqlqueue.signals import RUNS
from sqlqueue.tasks import around
from sqlqueue.tasks.context import Context, current_job
from sqlqueue.tasks.errbacks import ERRBACK, errback_arguments
from sqlqueue.tasks.hooks import call, tell
from sqlqueue.worker.forks import Forks
from sqlqueue.worker.interrupt import Interruptible, raise_in
from sqlqueue.worker.keeping import kept_of
from sqlqueue.worker.limits import check_options
from sqlqueue.worker.meaning import REJECTED_PAUSE, Meaning, logger
from sqlqueue.worker.transactional import TransactionalRun

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import FrameType

    from sqlqueue.client.contents import Contents
    from sqlqueue.domain.job import Job
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.tasks.task import Task


class Executor:
    """Turns jobs into outcomes, in any thread or process.

    Parameters
    ----------
    tasks: the tasks of the app.
    hostname: the worker's name, shown to tasks.
    """

    def __init__(self, tasks: Registry, hostname: str) -> None:
        self._tasks = tasks
        self._hostname = hostname
        self._contents = tasks.contents
        self._write = tasks.contents.write_result()
        self._meaning = Meaning(tasks.contents)
        self._local = threading.local()
        self._awaiting: dict[int, Interruptible] = {}  # by thread
        self._forks = Forks()

    def execute(self, job: Job) -> Outcome:
        """Run one job and return what came of it; never raises."""
        task = self._tasks.get(job.task)
        if task is None or job.expired:
            return self._refused(job)
        if task.settings.transactional:
            return self._execute_in_transaction(task, job)
        context = Context(job, self._hostname, self._contents)
        token = current_job.set(context)
        started = monotonic()
        reached("job-started")
        try:
            if RUNS.watched:
                around.begin(task)
            value = self._call(task, job)
            self._forks.end_others()
            if context.again is not None:
                context.insist()
            outcome = Succeeded(kept_of(job, value, self._write), monotonic() - started)
            return _told(task, outcome, value) if task.hooked or RUNS.watched else outcome
        except BaseException as error:  # noqa: BLE001 - the one line where a task's exceptions stop
            self._forks.end_others(error)
            return self._raised(task, job, error, started)
        finally:
            current_job.reset(token)

    async def aexecute(self, job: Job) -> Outcome:
        """Run one job of an ``async def`` task in the running event loop; never raises."""
        task = self._tasks.get(job.task)
        if task is None or job.expired:
            return self._refused(job)
        if task.settings.transactional:
            return await self._aexecute_in_transaction(task, job)
        context = Context(job, self._hostname, self._contents)
        current_job.set(context)  # in this asyncio task's own context
        started = monotonic()
        reached("job-started")
        try:
            if RUNS.watched:
                around.begin(task)
            value = await _apply(task, job, self._contents)
            self._forks.end_others()
            if context.again is not None:
                context.insist()
            outcome = Succeeded(kept_of(job, value, self._write), monotonic() - started)
            return _told(task, outcome, value) if task.hooked or RUNS.watched else outcome
        except BaseException as error:  # noqa: BLE001 - and its twin
            self._forks.end_others(error)
            return self._raised(task, job, error, started)

    def _execute_in_transaction(self, task: Task[..., Any, Any], job: Job) -> Outcome:
        """Run a task whose writes, success and result are one commit; what it raises undoes them all."""
        run = TransactionalRun(task, job, self._hostname, self._contents)
        if (refused := run.begin()) is not None:
            return refused
        token = current_job.set(run.context)
        try:
            if RUNS.watched:
                around.begin(task)
            with run.joined():
                value = self._call_joined(task, job, run)
            self._forks.end_others()
            if run.context.again is not None:
                run.context.insist()
            return run.commit(value)
        except BaseException as error:  # noqa: BLE001 - as above
            self._forks.end_others(error)
            return run.undone(error) or self._raised(task, job, error, run.started)
        finally:
            run.end()
            current_job.reset(token)

    async def _aexecute_in_transaction(self, task: Task[..., Any, Any], job: Job) -> Outcome:
        """The same in the running event loop; to begin and to commit may take long, and are awaited in a thread."""
        run = TransactionalRun(task, job, self._hostname, self._contents)
        try:
            refused = await asyncio.to_thread(run.begin)
        except BaseException:  # ended from outside; what that thread begins is nobody's
            run.end()
            raise
        if refused is not None:
            return refused
        current_job.set(run.context)
        try:
            if RUNS.watched:
                around.begin(task)
            with run.joined():
                value = await _apply(task, job, self._contents)
            self._forks.end_others()
            if run.context.again is not None:
                run.context.insist()
            return await asyncio.to_thread(run.commit, value)
        except BaseException as error:  # noqa: BLE001 - and its twin
            self._forks.end_others(error)
            return run.undone(error) or self._raised(task, job, error, run.started)
        finally:
            await asyncio.to_thread(run.end)

    def _call_joined(self, task: Task[..., Any, Any], job: Job, run: TransactionalRun) -> Any:
        value = _apply(task, job, self._contents)
        return self._await(run.in_a_loop(value)) if task.is_async else value

    def is_coroutine(self, job: Job) -> bool:
        """Whether the job belongs into an event loop; one that will be refused does too, since it takes no time."""
        task = self._tasks.get(job.task)
        return task is None or task.is_async

    def _call(self, task: Task[..., Any, Any], job: Job) -> Any:
        value = _apply(task, job, self._contents)
        return self._await(value) if task.is_async else value

    def _await(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        runner, thread = self._runner(), threading.get_ident()
        found = self._awaiting[thread] = Interruptible(coroutine, runner.get_loop())
        try:
            return runner.run(found, context=contextvars.copy_context())  # the runner keeps that of its first job
        finally:
            del self._awaiting[thread]

    def interrupt(self, thread: int, error: type[BaseException]) -> None:
        """Raise ``error`` in the job that runs in another thread."""
        awaiting = self._awaiting.get(thread)
        if awaiting is not None:
            awaiting.interrupt(error())
        else:
            raise_in(thread, error)

    def interrupt_here(self, frame: FrameType | None, error: type[BaseException]) -> None:
        """Raise ``error`` from a signal handler, if what it interrupted is a job in this thread.

        Parameters
        ----------
        frame: what the handler was given.
        """
        awaiting = self._awaiting.get(threading.get_ident())
        if awaiting is not None:
            awaiting.interrupt(error())
            return
        while frame is not None:
            if frame.f_code is _apply.__code__:
                raise error
            frame = frame.f_back

    def _runner(self) -> asyncio.Runner:
        """Return this thread's event loop, kept from job to job."""
        found: asyncio.Runner | None = getattr(self._local, "runner", None)
        if found is None:
            found = self._local.runner = asyncio.Runner()
        return found

    def close_thread(self) -> None:
        """Close what this thread keeps from job to job."""
        found: asyncio.Runner | None = getattr(self._local, "runner", None)
        if found is not None:
            self._local.runner = None
            found.close()

    def _raised(self, task: Task[..., Any, Any], job: Job, error: BaseException, started: float) -> Outcome:
        outcome = self._meaning.of(task, job, error, monotonic() - started)
        return _told(task, outcome, error) if task.hooked or RUNS.watched else outcome

    def _refused(self, job: Job) -> Outcome:
        """Say why a job is not run: it came too late, or its task is not here.

        The worker turns strangers away before they come here, but a child may have imported less than its parent.
        """
        if job.task in self._tasks:
            return Revoked("expired before it started")
        return Returned(REJECTED_PAUSE, f"{NOT_REGISTERED}: this process has no task named {job.task!r}")


def _apply(task: Task[..., Any, Any], job: Job, contents: Contents) -> Any:
    """Call the task's function with the job's arguments; of an ``async def`` this makes the coroutine."""
    contents.trust(job)
    args, kwargs = decode(job.args, contents.argument), decode(job.kwargs, contents.argument)
    if type(args) is not list or type(kwargs) is not dict:  # somebody's own INSERT
        raise EncodingError("the job's args are no JSON array, or its kwargs no JSON object")
    if job.options is not None:
        check_options(job.options)
        if ERRBACK in job.options:
            args = errback_arguments(task, job.options, args, kwargs, contents)
    if not task.plain:
        return call(task, args, kwargs)
    if task.bind:
        args.insert(0, task)
    return task.function(*args, **kwargs)


def _told(task: Task[..., Any, Any], outcome: Outcome, value: Any) -> Outcome:
    """Run the hooks of the task's class for what came of the job, and tell those who are connected to signals."""
    try:
        if task.hooked:
            tell(task, outcome, value)
        if RUNS.watched:
            around.end(task, outcome, value)
    except BaseException:  # noqa: BLE001 - a receiver that calls sys.exit(), or arguments that cannot be read again
        logger.exception("telling what came of a job of %s failed; its outcome stays", task.name)
    return outcome

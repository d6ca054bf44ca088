"""Runs one job: finds the task, decodes the arguments, calls it. Exceptions stop here; what leaves is an outcome.

Next room: ``domain.settlement``.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from sqlqueue.client.request import ignores_result
from sqlqueue.domain.clock import chance, monotonic
from sqlqueue.domain.outcome import Failed, Outcome, Retried, Returned, Revoked, Succeeded
from sqlqueue.errors import EncodingError, Ignore, Reject, Retry
from sqlqueue.serialization.failures import describe
from sqlqueue.serialization.json import decode, encode
from sqlqueue.services.testsignals import reached
from sqlqueue.tasks.context import Context, current_job

if TYPE_CHECKING:
    from sqlqueue.domain.job import Job
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.tasks.task import Task

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds that a job waits whose task this worker does not know; doubled for each one met."""


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
        self._chance = chance()
        self._unknown: dict[str, int] = {}
        self._local = threading.local()

    def execute(self, job: Job) -> Outcome:
        """Run one job and return what came of it; never raises."""
        task = self._tasks.get(job.task)
        if task is None:
            return self._not_registered(job.task)
        if job.expired:
            return Revoked("expired before it started")
        token = current_job.set(Context(job, self._hostname))
        started = monotonic()
        reached("job-started")
        try:
            value = self._call(task, job)
            result = None if job.options and ignores_result(job.options) else encode(value, "the task's result")
            return Succeeded(result, monotonic() - started)
        except Ignore:
            return Succeeded(None, monotonic() - started)
        except BaseException as error:  # noqa: BLE001 - the one line where a task's exceptions stop
            return self._failed(task, job, error, monotonic() - started)
        finally:
            current_job.reset(token)

    def _call(self, task: Task[..., Any, Any], job: Job) -> Any:
        args, kwargs = decode(job.args), decode(job.kwargs)
        if task.bind:
            args.insert(0, task)
        value = task.function(*args, **kwargs)
        return self._runner().run(value) if task.is_async else value

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

    def _failed(self, task: Task[..., Any, Any], job: Job, error: BaseException, runtime: float) -> Outcome:
        """Say what an exception means: another try, the end, or that the job goes back."""
        settings = task.settings
        if isinstance(error, Retry):
            return Retried(error.delay or 0.0, describe(error.cause or error), runtime)
        if isinstance(error, Reject):
            return Returned(FIRST_PAUSE, str(error)) if error.requeue else Failed(describe(error), runtime)
        failure = describe(error)
        retryable = isinstance(error, settings.autoretry_for) and not isinstance(error, settings.dont_autoretry_for)
        if retryable and not isinstance(error, EncodingError) and _may_retry(settings.max_retries, job.retries):
            backoff = settings.backoff
            delay = backoff.delay(job.retries, self._chance) if backoff else settings.default_retry_delay
            return Retried(delay, failure, runtime)
        return Failed(failure, runtime, expected=isinstance(error, settings.throws))

    def _not_registered(self, name: str) -> Outcome:
        """Send the job back: in a rolling deploy another worker knows the task, or this one will."""
        met = self._unknown[name] = self._unknown.get(name, -1) + 1
        pause = min(FIRST_PAUSE * 2.0 ** min(met, 10), LONGEST_PAUSE)
        return Returned(pause, f"NotRegistered: this worker has no task named {name!r}")


def _may_retry(limit: int | None, retries: int) -> bool:
    return limit is None or retries < limit

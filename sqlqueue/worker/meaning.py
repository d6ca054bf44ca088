"""What an exception that left a task means: another try, the end, or that the job goes back.

Next room: ``domain.settlement``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.clock import chance
from sqlqueue.domain.outcome import Failed, Failure, Outcome, Replaced, Retried, Returned
from sqlqueue.errors import EncodingError, Ignore, Reject, Retry, UntrustedJob
from sqlqueue.serialization.failures import describe
from sqlqueue.tasks.again import seconds_to
from sqlqueue.tasks.context import current_job
from sqlqueue.tasks.replacement import Replacement
from sqlqueue.tasks.telling import ended_as
from sqlqueue.worker.keeping import kept_of

if TYPE_CHECKING:
    from sqlqueue.client.contents import Contents
    from sqlqueue.domain.job import Job
    from sqlqueue.tasks.task import Task

logger = logging.getLogger("sqlqueue.worker")

REJECTED_PAUSE = 1.0
"""Seconds until a job may run again that was refused here."""


class Meaning:
    """Judges exceptions, as the settings of their tasks say."""

    def __init__(self, contents: Contents) -> None:
        self._write, self._write_exception = contents.write_result(), contents.write_exception()
        self._chance = chance()

    def of(self, task: Task[..., Any, Any], job: Job, error: BaseException, runtime: float) -> Outcome:
        """Return the outcome of a run that raised; never raises."""
        try:
            return self._of(task, job, error, runtime)
        except BaseException:
            name = type(error).__name__
            logger.exception("%s[%s]: what %s means cannot be told: the job failed", job.task, job.id, name)
            return Failed(_as_far_as_it_goes(error), runtime)

    def _of(self, task: Task[..., Any, Any], job: Job, error: BaseException, runtime: float) -> Outcome:
        settings = task.settings
        if isinstance(error, Ignore):
            return ended_as(current_job.get().told, lambda meta: kept_of(job, meta, self._write), runtime)
        if isinstance(error, Replacement):
            return Replaced(error.workflow, runtime)
        if isinstance(error, Retry):
            return Retried(seconds_to(error), self._describe(error.exc or error), runtime, error.change)
        if isinstance(error, Reject):
            return (
                Returned(REJECTED_PAUSE, str(error), started=True)
                if error.requeue
                else Failed(self._describe(error), runtime)
            )
        failure = self._describe(error)
        asked = current_job.get().again
        if asked is not None:
            return Retried(seconds_to(asked), failure, runtime, asked.change)
        retryable = isinstance(error, settings.autoretry_for) and not isinstance(error, settings.dont_autoretry_for)
        if (
            retryable
            and not isinstance(error, EncodingError | UntrustedJob)
            and (settings.max_retries is None or job.retries < settings.max_retries)
        ):
            backoff = settings.backoff
            delay = backoff.delay(job.retries, self._chance) if backoff else settings.default_retry_delay
            return Retried(delay, failure, runtime)
        return Failed(failure, runtime, expected=isinstance(error, settings.throws))

    def _describe(self, error: BaseException) -> Failure:
        return describe(error, self._write_exception)


def _as_far_as_it_goes(error: BaseException) -> Failure:
    """Describe an exception that may resist it."""
    try:
        return describe(error)
    except BaseException as worse:  # noqa: BLE001 - code of the user's class
        return Failure(f"{type(error).__qualname__}: <{type(worse).__name__} while describing it>")

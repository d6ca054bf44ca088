"""What is kept of a task's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.client.request import ignores_result
from sqlqueue.domain.workflow import feeds
from sqlqueue.errors import EncodingError
from sqlqueue.serialization.sizes import RESULT_SIZE, of_task

if TYPE_CHECKING:
    from sqlqueue.domain.job import Job
    from sqlqueue.serialization.encoded import Write


def kept_of(job: Job, value: Any, write: Write) -> str | None:
    """Return a task's value as JSON text; None when the job's result is not wanted, and nobody is fed with it.

    Raises
    ------
    EncodingError: it could not be stored; the message names the task.
    """
    ignored = job.options is not None and ignores_result(job.options) and not feeds(job.options)
    try:
        return None if ignored else write(value, "the task's result")
    except EncodingError as error:
        raise of_task(error, job.task, RESULT_SIZE) from None

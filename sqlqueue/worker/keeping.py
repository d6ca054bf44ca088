"""What is kept of a task's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.client.request import ignores_result
from sqlqueue.domain.workflow import feeds
from sqlqueue.serialization.json import encode

if TYPE_CHECKING:
    from sqlqueue.domain.job import Job


def kept_of(job: Job, value: Any) -> str | None:
    """Return a task's value as JSON text; None when the job's result is not wanted, and nobody is fed with it."""
    ignored = job.options is not None and ignores_result(job.options) and not feeds(job.options)
    return None if ignored else encode(value, "the task's result")

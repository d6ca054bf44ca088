"""Celery's lines of the worker's log under its loggers' names, for handlers and filters that look for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlqueue.events.catalog import JobFailed, JobRetried, JobSucceeded
from sqlqueue.signals import task_received

if TYPE_CHECKING:
    from sqlqueue.events.bus import Bus

LOG_RECEIVED = "Task %(name)s[%(id)s] received"
LOG_SUCCESS = "Task %(name)s[%(id)s] succeeded in %(runtime)ss: %(return_value)s"
LOG_FAILURE = "Task %(name)s[%(id)s] %(description)s: %(exc)s"
LOG_INTERNAL_ERROR = LOG_FAILURE
LOG_IGNORED = "Task %(name)s[%(id)s] %(description)s"
LOG_REJECTED = "Task %(name)s[%(id)s] %(exc)s"
LOG_RETRY = "Task %(name)s[%(id)s] retry: %(exc)s"

strategy = logging.getLogger("celery.worker.strategy")
trace = logging.getLogger("celery.app.trace")

MOST = 50_000
"""Jobs whose arguments are remembered for the line about their end."""


class TraceLog:
    """Writes the lines of one worker; those of level INFO only when the logger is that loud as the worker starts.

    Parameters
    ----------
    worker: its name.
    """

    def __init__(self, bus: Bus, worker: str) -> None:
        self._worker = worker
        self._shown: dict[str, tuple[str, str]] = {}  # by id: arguments and named ones, as text
        bus.subscribe(self._failed, JobFailed)
        if trace.isEnabledFor(logging.INFO):
            task_received.connect(self._received, sender=worker, weak=False)
            bus.subscribe(self._succeeded, JobSucceeded)
            bus.subscribe(self._retried, JobRetried)

    def close(self) -> None:
        """Hear of no more jobs."""
        task_received.disconnect(self._received, sender=self._worker)

    def _received(self, request: Any, **_: Any) -> None:
        if len(self._shown) < MOST:
            self._shown[request.id] = request.argsrepr, request.kwargsrepr
        strategy.info(LOG_RECEIVED, said := self._about(request.id, request.task), extra={"data": said})

    def _succeeded(self, event: Any) -> None:
        said = self._about(event.id, event.task) | {"runtime": event.runtime, "return_value": event.result}
        self._shown.pop(event.id, None)
        trace.info(LOG_SUCCESS, said, extra={"data": said})

    def _failed(self, event: Any) -> None:
        expected = event.traceback is None
        said = self._about(event.id, event.task) | {
            "description": "raised expected" if expected else "raised unexpected",
            "exc": event.error,
            "traceback": event.traceback,
        }
        self._shown.pop(event.id, None)
        trace.log(logging.INFO if expected else logging.ERROR, LOG_FAILURE, said, extra={"data": said})

    def _retried(self, event: Any) -> None:
        said = self._about(event.id, event.task) | {"exc": event.error}
        trace.info(LOG_RETRY, said, extra={"data": said})

    def _about(self, job_id: str, task: str) -> dict[str, Any]:
        args, kwargs = self._shown.get(job_id, ("", ""))
        return {"id": job_id, "name": task, "args": args, "kwargs": kwargs}

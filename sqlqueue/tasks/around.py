"""Signals around the run of a task: only called while somebody is connected to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue import signals
from sqlqueue.domain.outcome import Failed, Outcome, Replaced, Retried, Succeeded
from sqlqueue.errors import EncodingError
from sqlqueue.tasks.context import current_job
from sqlqueue.tasks.hooks import ErrorInfo, asked_of

if TYPE_CHECKING:
    from sqlqueue.tasks.task import Task

_STATES = {Succeeded: "SUCCESS", Failed: "FAILURE", Retried: "RETRY", Replaced: "REPLACED"}


def begin(task: Task[..., Any, Any]) -> None:
    """Tell that a task is about to be called."""
    signals.task_prerun.send(task, **_about(task))


def end(task: Task[..., Any, Any], outcome: Outcome, value: Any) -> None:
    """Tell what came of a task.

    Parameters
    ----------
    value: what it returned, or raised.
    """
    about = _about(task)
    named = {"task_id": about["task_id"], "args": about["args"], "kwargs": about["kwargs"]}
    match outcome:
        case Succeeded():
            signals.task_success.send(task, result=value, runtime=outcome.runtime)
        case Failed(failure):
            info = ErrorInfo(value, failure.traceback or failure.error)
            told = {**named, "exception": value, "traceback": getattr(value, "__traceback__", None), "einfo": info}
            signals.task_failure.send(task, **told)
            if isinstance(value, EncodingError):
                signals.task_internal_error.send(task, request=current_job.get(), **told)
        case Retried(_, failure):
            cause = asked_of(value)
            info = ErrorInfo(cause, failure.traceback or failure.error)
            signals.task_retry.send(task, request=current_job.get(), reason=value, einfo=info)
    state = _STATES.get(type(outcome), "REJECTED")
    signals.task_postrun.send(task, **about, retval=value, state=state)


def _about(task: Task[..., Any, Any]) -> dict[str, Any]:
    request = current_job.get()
    return {"task_id": request.id, "task": task, "args": request.args, "kwargs": request.kwargs}

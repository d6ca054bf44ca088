"""What a task's own class may do around its runs: Celery's hooks, and a ``__call__`` of its own.

A task whose class overrides none of them and that declares no classes for its arguments (``plain``) never comes here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.domain.outcome import Failed, Outcome, Retried, Succeeded
from sqlqueue.errors import Retry
from sqlqueue.tasks.context import current_job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.tasks.task import Task

log = logging.getLogger("sqlqueue")


class ErrorInfo(NamedTuple):
    """What the hooks are told of an exception, under Celery's names; its text is the traceback."""

    exception: BaseException
    traceback: str

    def __str__(self) -> str:
        return self.traceback


class Hooks:
    """Methods that a subclass of `Task` may override; they run where the task runs, before its job is settled."""

    def before_start(self, task_id: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Run before the task; what it raises is the task's failure."""

    def on_success(self, retval: Any, task_id: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Run when the task has returned."""

    def on_failure(
        self, exc: BaseException, task_id: str, args: Sequence[Any], kwargs: Mapping[str, Any], einfo: ErrorInfo
    ) -> None:
        """Run when the task has failed for good."""

    def on_retry(
        self, exc: BaseException, task_id: str, args: Sequence[Any], kwargs: Mapping[str, Any], einfo: ErrorInfo
    ) -> None:
        """Run when the task is to be tried again."""

    def after_return(
        self, status: str, retval: Any, task_id: str, args: Sequence[Any], kwargs: Mapping[str, Any], einfo: Any
    ) -> None:  # fmt: skip
        """Run after the other hooks, with SUCCESS, FAILURE or RETRY."""


HOOKS = tuple(name for name in vars(Hooks) if not name.startswith("_"))


class Shown:
    """How a task's jobs are shown."""

    def shadow_name(self, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
        """Return the name to show for a call that gives no ``shadow``; None: the task's own."""


def is_plain(kind: type, base: type) -> bool:
    """Tell whether a task's class leaves calls and hooks as they are in ``base``."""
    return all(getattr(kind, name) is getattr(base, name) for name in ("__call__", *HOOKS))


def call(task: Task[..., Any, Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a task that is not plain: with arguments as it declares them, and its hook before."""
    args, kwargs = as_declared(task, args, kwargs)
    if task.hooked:
        task.before_start(current_job.get().id or "", args, kwargs)
    return task(*args, **kwargs)


def as_declared(
    task: Task[..., Any, Any], args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:  # fmt: skip
    """Return the arguments of a call as its task declares them; raises EncodingError for one that is not."""
    if not task.declared:
        return args, kwargs
    made, named = task.declared.read([task, *args] if task.bind else args, kwargs)
    return list(made[1:] if task.bind else made), dict(named)


def tell(task: Task[..., Any, Any], outcome: Outcome, value: Any) -> None:
    """Run the hooks that an outcome calls for; what they raise is logged and changes nothing.

    Parameters
    ----------
    value: what the task returned, or raised.
    """
    request = current_job.get()
    common = (request.id or "", request.args, request.kwargs)
    match outcome:
        case Succeeded():
            _guarded(task.on_success, value, *common)
            _guarded(task.after_return, "SUCCESS", value, *common, None)
        case Failed(failure):
            info = ErrorInfo(value, failure.traceback or failure.error)
            _guarded(task.on_failure, value, *common, info)
            _guarded(task.after_return, "FAILURE", value, *common, info)
        case Retried(_, failure):
            info = ErrorInfo(value, failure.traceback or failure.error)
            _guarded(task.on_retry, asked_of(value), *common, info)
            _guarded(task.after_return, "RETRY", value, *common, info)
        case _:
            pass


def asked_of(value: Any) -> Any:
    """Return the exception for which a try was given up: of a `Retry` the one that it names."""
    return value.exc if isinstance(value, Retry) and value.exc is not None else value


def _guarded(hook: Any, *arguments: Any) -> None:
    try:
        hook(*arguments)
    except BaseException:  # sys.exit() in a hook must not end the thread, or the child, that runs it
        log.exception("the hook %s failed; its job's outcome stays", hook.__qualname__)

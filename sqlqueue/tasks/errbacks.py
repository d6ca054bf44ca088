"""What an errback is called with: the failed job's id, or, where it takes more, ``(request, exc, traceback)``."""

from __future__ import annotations

import json
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.job import Job
from sqlqueue.serialization.failures import restore
from sqlqueue.tasks.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.client.contents import Contents
    from sqlqueue.tasks.task import Task

ERRBACK = '"errback":'
"""In the options of a job that runs because another has failed, followed by all about that one."""


def errback_arguments(
    task: Task[..., Any, Any], options: str, args: list[Any], kwargs: dict[str, Any], contents: Contents
) -> list[Any]:
    """Return the arguments of an errback.

    Parameters
    ----------
    args: the failed job's id, then the errback's own.
    kwargs: its own.
    contents: how its app reads what jobs carry.
    """
    if _positions(task.function, kwargs) - task.bind - len(args[1:]) < 2:  # noqa: PLR2004 - one for the id, as in Celery
        return args
    about = json.loads(options)["errback"]
    error = restore(about.get("exception"), about.get("error"), contents.result)
    return [Context(_failed(about), contents=contents), error, about.get("traceback"), *args[1:]]


def _positions(function: Callable[..., Any], kwargs: dict[str, Any]) -> float:
    """Return how many positional arguments a function takes besides those in ``kwargs``."""
    kinds = [one.kind for name, one in signature(function).parameters.items() if name not in kwargs]
    if Parameter.VAR_POSITIONAL in kinds:
        return float("inf")
    return sum(kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)


def _failed(about: dict[str, Any]) -> Job:
    """Return the failed job as far as the errback's options tell."""
    return Job(
        id=about["parent"], seq=0, queue="", priority=0, task=about.get("task", ""), args=about.get("args", "[]"),
        kwargs=about.get("kwargs", "{}"), headers=None, options=None, parent_id=None, root_id=about.get("root"),
        group_id=None, attempt=0, retries=0, crashes=0, max_crashes=0, acks_late=True, expired=False, token=0,
    )  # fmt: skip

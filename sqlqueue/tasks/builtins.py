"""Tasks that every worker knows: those of which workflows are made besides the user's."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Protocol

from sqlqueue.canvas.shapes import JOIN, MAP, STARMAP
from sqlqueue.tasks.hooks import as_declared
from sqlqueue.tasks.options import TaskSettings
from sqlqueue.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Tasks(Protocol):
    """Where tasks are found by name."""

    def __getitem__(self, name: str) -> Task[..., Any, Any]:
        """Return one."""


def builtin_tasks(tasks: Tasks) -> dict[str, Task[..., Any, Any]]:
    """Return the built-in tasks by name; ``tasks`` are those that they may call."""

    def join(results: list[Any]) -> list[Any]:
        """Return what many jobs have returned, for others that wait for all of them."""
        return results

    def over(task: Mapping[str, Any], it: Iterable[Any]) -> list[Any]:
        """Call a task with each item."""
        return _called(tasks, task, ([item] for item in it))

    def starred(task: Mapping[str, Any], it: Iterable[Iterable[Any]]) -> list[Any]:
        """Call a task with each item's items."""
        return _called(tasks, task, it)

    made: dict[str, Callable[..., Any]] = {JOIN: join, MAP: over, STARMAP: starred}
    return {name: Task(function, name, TaskSettings(), _never) for name, function in made.items()}


def _called(tasks: Tasks, sig: Mapping[str, Any], calls: Iterable[Iterable[Any]]) -> list[Any]:
    """Call the task of a signature with its arguments after those of each call."""
    task, values = tasks[sig["task"]], []
    for call in calls:
        args, kwargs = as_declared(task, [*call, *sig["args"]], dict(sig["kwargs"]))
        values.append(task(*args, **kwargs))
    return asyncio.run(_gathered(values)) if any(map(inspect.isawaitable, values)) else values


async def _gathered(values: list[Any]) -> list[Any]:
    return [await value for value in values]


def _never() -> Any:
    raise NotImplementedError("built-in tasks are not called by hand")

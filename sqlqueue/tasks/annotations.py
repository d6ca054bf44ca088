"""Options of tasks set from outside, by the setting ``task_annotations``: a library's task may need another limit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MethodType
from typing import TYPE_CHECKING, Any

from sqlqueue.tasks.hooks import HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlqueue.tasks.task import Task

METHODS = (*HOOKS, "shadow_name")
"""What a function of that name is a method for."""

EVERY = "*"
"""The name that means every task."""


def annotate(task: Task[..., Any, Any], annotations: Any) -> None:
    """Let a task have what the setting says of it; what names the task wins over what is said of every one.

    Parameters
    ----------
    annotations: a dict from names to dicts of attributes, an object with Celery's ``annotate(task)``, or several.
        An attribute that begins with ``@`` is a function that is given the method of that name and returns another.
    """
    for changes in _of(task, annotations):
        options = {name: value for name, value in changes.items() if not _is_method(name)}
        task.annotate(options)
        for name, value in changes.items():
            if name in METHODS:
                put(task, name, MethodType(value, task))
            elif name.startswith("@"):
                _wrap(task, name[1:], value)


def _of(task: Task[..., Any, Any], annotations: Any) -> Iterator[Mapping[str, Any]]:
    several = annotations if isinstance(annotations, list | tuple) else [annotations]
    for one in several:
        if isinstance(one, Mapping):
            found = [one.get(EVERY), one.get(task.name)]
        else:
            found = [one.annotate_any() if hasattr(one, "annotate_any") else None, one.annotate(task)]
        yield from (each for each in found if each)


def _is_method(name: str) -> bool:
    return name in METHODS or name.startswith("@")


def _wrap(task: Task[..., Any, Any], name: str, wrapper: Any) -> None:
    if name in ("run", "__call__"):
        task.function = wrapper(task.function)
    else:
        put(task, name, wrapper(getattr(task, name)))


def put(task: Task[..., Any, Any], name: str, method: Any) -> None:
    """Let a task have a method that its class has not; one with a hook's name runs as that hook."""
    setattr(task, name, method)
    if name in HOOKS:
        task.hooked, task.plain = True, False
    task.annotate({})  # what it says about its calls may be another now

"""Task names and their tasks."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlqueue.client.contents import PLAIN, Contents
from sqlqueue.errors import ConfigError, DuplicateTask, NotRegistered
from sqlqueue.tasks.annotations import annotate
from sqlqueue.tasks.attributes import Optioned
from sqlqueue.tasks.builtins import builtin_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlqueue.config import Config
    from sqlqueue.tasks.task import Task


class Registry:
    """The tasks of one app, and those that every app has; only its own are listed.

    Parameters
    ----------
    config: the app's settings, which say how it writes and reads what jobs carry.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.contents = PLAIN if config is None else Contents(config)
        self._tasks: dict[str, Task[..., Any, Any]] = {}
        self._builtin = builtin_tasks(self)
        self._annotations: Any = None

    def add(self, task: Task[..., Any, Any]) -> None:
        """Add a task; the same function may be added again, as when a module is reloaded."""
        before = self._tasks.get(task.name)
        if before is not None and before.origin != task.origin:
            message = (
                f"two tasks are named {task.name!r}, {before.origin} and {task.origin}: give one @app.task(name=...)"
            )
            raise DuplicateTask(message)
        self._tasks[task.name] = task
        if self._annotations is not None:
            annotate(task, self._annotations)

    def annotated(self, annotations: Any) -> Registry:
        """Let the tasks have what the setting ``task_annotations`` says of them, and return this."""
        if annotations is not self._annotations:
            self._annotations = annotations
            for task in self._tasks.values():
                annotate(task, annotations or {})
        return self

    def get(self, name: str) -> Task[..., Any, Any] | None:
        """Return the task of that name, or None."""
        return self._tasks.get(name) or self._builtin.get(name)

    @property
    def builtin(self) -> list[str]:
        """The names of the tasks that every app has."""
        return sorted(self._builtin)

    @property
    def transactional(self) -> frozenset[str]:
        """The names of those that settle their own jobs."""
        return frozenset(name for name, task in self._tasks.items() if task.settings.transactional)

    @property
    def untold(self) -> frozenset[str]:
        """The names of those that the stream of events is to say nothing of."""
        return frozenset(name for name, task in self._tasks.items() if not task.settings.send_events)

    def __getitem__(self, name: str) -> Task[..., Any, Any]:
        found = self.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self._tasks, n=1)
            hint = (
                f"; did you mean {near[0]!r}?" if near else f"; registered: {', '.join(sorted(self._tasks)) or 'none'}"
            )
            raise NotRegistered(f"no task is named {name!r}{hint}")
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._tasks or name in self._builtin

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._tasks))

    def __len__(self) -> int:
        return len(self._tasks)


def name_of(main: str | None, function: Any, given: str | None = None) -> str:
    """Return ``module.function``; of the main script its module's name, so that a worker finds it again.

    Parameters
    ----------
    main: the app's own word for the main script.
    given: the name that the task is to have instead.

    Raises
    ------
    ConfigError: it is no function.
    """
    if not callable(function) or not hasattr(function, "__qualname__"):
        meant = f"@app.task(name={function!r})" if isinstance(function, str) else "a def that calls it"
        raise ConfigError(f"@app.task is given {function!r}, which is no function: use {meant}")
    if given:
        return given
    module = function.__module__
    if module == "__main__":
        script = getattr(sys.modules["__main__"], "__file__", None)
        module = main or (Path(script).stem if script else module)
    return f"{module}.{function.__qualname__}"


def task_class(base: object, given: type) -> Any:
    """Return the class of a task: ``base``, if it is said, must be a subclass of `Task`; raises ConfigError."""
    if base is None:
        return given
    if not (isinstance(base, type) and issubclass(base, Optioned)):
        raise ConfigError(f"@app.task(base={base!r}): use a subclass of Task")
    return base

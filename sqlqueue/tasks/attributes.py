"""A task's options as its attributes, as in Celery: to be read, and to be set."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlqueue.tasks.options import TaskSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlqueue.domain.rates import Rate

SETTINGS = frozenset(one.name for one in fields(TaskSettings)) - {"name"}
"""The options that are attributes; a task's name stays."""


class Optioned:
    """Options as attributes, and the names of the function, which ``functools.wraps`` asks for."""

    run: Callable[..., Any]
    bind: bool

    def annotate(self, changes: Mapping[str, Any]) -> None:
        """Take other options."""
        raise NotImplementedError

    def stand_for(self, function: Callable[..., Any]) -> None:
        """Have the names of a function, and be it: ``task.run(...)`` calls it here and now, as ``task(...)`` does."""
        self.__name__, self.__qualname__ = function.__name__, function.__qualname__
        self.__module__, self.__doc__, self.__wrapped__ = function.__module__, function.__doc__, function
        if not hasattr(type(self), "run"):
            self.run = partial(function, self) if self.bind else function

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; an option of the task from then on has that value."""
        if name in SETTINGS and "settings" in vars(self):
            self.annotate({name: value})
            if not hasattr(type(self), name):
                return  # `__getattr__` returns it; an attribute of the class would hide it
        object.__setattr__(self, name, value)

    if TYPE_CHECKING:
        queue: str | None
        priority: int | None
        expires: float | datetime | None
        max_retries: int | None
        default_retry_delay: float
        rate_limit: Rate
        time_limit: float | None
        soft_time_limit: float | None
        acks_late: bool | None
        max_crashes: int | None
        ignore_result: bool | None
        serializer: str | None
        compression: str | None
        throws: tuple[type[BaseException], ...]
        autoretry_for: tuple[type[BaseException], ...]
    else:

        def __getattr__(self, name: str) -> Any:
            """Return an option of the task as an attribute."""
            settings = self.__dict__.get("settings")
            if settings is not None and name in SETTINGS:
                return getattr(settings, name)
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

"""`Task` and `Context` as Celery has them: a task may be made before it has an app, and knows it when it has."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlqueue.celery import _state
from sqlqueue.celery.app.options import translated
from sqlqueue.celery.exceptions import ImproperlyConfigured
from sqlqueue.tasks import task as ours
from sqlqueue.tasks.context import Context as JobContext
from sqlqueue.tasks.context import current_job
from sqlqueue.tasks.options import TaskSettings

if TYPE_CHECKING:
    from collections.abc import Callable

_SETTINGS = frozenset(one.name for one in fields(TaskSettings))


class Context:
    """The job that runs, as Celery tells of it: our own `Context`, and what only Celery's messages have."""

    def __init__(self, job: JobContext, task: Any = None) -> None:
        self._job = job
        self._task = task

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return one of these by its name, or ``default``."""
        return getattr(self, name, default)

    @property
    def properties(self) -> dict[str, Any]:
        """What the caller gave as properties of the message."""
        found = self._job.headers.get("properties", {})
        return {"correlation_id": self._job.id, "priority": self._job.priority, **found}

    @property
    def reply_to(self) -> str | None:
        """Where a broker would send the answer: results are rows."""
        return None

    @property
    def time_limit(self) -> float | None:
        """The time limit of this run."""
        found: float | None = _first(self._job.time_limit, getattr(self._task, "time_limit", None))
        return found

    @property
    def soft_time_limit(self) -> float | None:
        """The soft time limit of this run."""
        found: float | None = _first(self._job.soft_time_limit, getattr(self._task, "soft_time_limit", None))
        return found


class Task(ours.Task[..., Any, Any]):
    """A task of a Celery app."""

    def __init__(self, *given: Any, **named: Any) -> None:
        if given:
            super().__init__(*given, **named)
            if not hasattr(type(self), "run"):
                self.run = partial(self.function, self) if self.bind else self.function

    def bound_to(self, app: Any, name: str, settings: TaskSettings, sender: Callable[[], Any]) -> None:
        """Belong to an app: for tasks that were made without one."""
        run: Any = getattr(type(self), "run")  # noqa: B009 - of the subclass
        super().__init__(run, name, settings, sender, bind=True)
        self.__dict__["_app"] = app

    def __getattr__(self, name: str) -> Any:
        """Return an option of the task as an attribute."""
        settings = self.__dict__.get("settings")
        if settings is not None and name in _SETTINGS:
            return getattr(settings, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def app(self) -> Any:
        """The app that it belongs to."""
        return self.__dict__.get("_app") or _state.get_current_app()

    @property
    def backend(self) -> Any:
        """Where results are."""
        return self.app.backend

    @property
    def request(self) -> Any:
        """The job that runs now."""
        return Context(current_job.get(), self)

    def apply_async(self, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """Send a job with options."""
        self._check_limits(options)
        return super().apply_async(args, kwargs, *more, **translated(options))

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Send a job with these arguments."""
        self._check_limits({})
        return super().delay(*args, **kwargs)

    def _check_limits(self, options: dict[str, Any]) -> None:
        soft, hard = (_first(options.get(name), getattr(self, name)) for name in ("soft_time_limit", "time_limit"))
        if soft is not None and hard is not None and soft > hard:
            raise ValueError("soft_time_limit must be less than or equal to time_limit")

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Run a job here and now."""
        known = translated(options)
        return super().apply(args, kwargs, throw=bool(options.get("throw")), **known)

    def retry(self, *args: Any, **named: Any) -> Any:
        """Give this try up and run the job again later; options besides those of our own stay the job's."""
        order = ("args", "kwargs", "exc", "throw", "eta", "countdown", "max_retries")
        given = {**dict(zip(order, args, strict=False)), **named}
        given |= self._switched(given.get("args"), given.get("kwargs"))
        return super().retry(**{name: given[name] for name in order if given.get(name) is not None})

    def _switched(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """Return both kinds of arguments when a retry gives one kind for parameters that had the other."""
        names, had = list(self._signature.parameters)[self.bind :], self.request
        if args is not None and kwargs is None:
            taken = names[: len(args)]
            return {"kwargs": {name: value for name, value in had.kwargs.items() if name not in taken}}
        if kwargs is not None and args is None and set(names[: len(had.args)]) & set(kwargs):
            return {"args": (), "kwargs": {**dict(zip(names, had.args, strict=False)), **had.kwargs, **kwargs}}
        return {}

    def replace(self, sig: Any) -> Any:
        """Let ``sig`` be done in this job's place."""
        if not sig and sig.get("subtask_type") == "chain":
            raise ImproperlyConfigured("Cannot replace with an empty chain")
        sig.set(replaced_task_nesting=self.request.replaced_task_nesting + 1)
        return self.on_replace(sig)

    def on_replace(self, sig: Any) -> Any:
        """Do what `replace` does; a hook for subclasses."""
        return super().replace(sig)

    def AsyncResult(self, id: str, **_: Any) -> Any:  # noqa: A002, N802 - Celery's names
        """Return a handle on the job of that id."""
        return self.app.AsyncResult(id)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)

"""`Task` and `Context` as Celery has them: a task may be made before it has an app, and knows it when it has."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from sqlqueue.celery import _state
from sqlqueue.celery.app.conf import CRASHES
from sqlqueue.celery.app.options import translated
from sqlqueue.celery.exceptions import ImproperlyConfigured
from sqlqueue.errors import ConfigError
from sqlqueue.tasks import task as ours
from sqlqueue.tasks.annotations import put
from sqlqueue.tasks.context import Context as JobContext
from sqlqueue.tasks.context import current_job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlqueue.tasks.options import TaskSettings

_REFUSED = {
    "Request": "its hooks on_timeout, on_failure and on_success are signals here: task_failure, task_success",
    "Strategy": "workers have one way to take jobs; connect to task_received",
}
"""Classes of Celery's worker that a task may name there, and what to use instead."""

AGAIN = ("reject_on_worker_lost", "retry_on_worker_lost")
"""Options that let a job run again whose worker died."""

KEPT = (*AGAIN, "track_started")
"""Options that are attributes of a task here, because only this package asks for them."""


class Context:
    """The job that runs, as Celery tells of it: our own `Context`, and what only Celery's messages have."""

    def __init__(self, job: JobContext, task: Any = None) -> None:
        self._job = job
        self._task = task

    def __repr__(self) -> str:
        job = self._job
        return f"<Context: {job.task}[{job.id}] args={tuple(job.args)!r} kwargs={job.kwargs!r}>"

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
    def utc(self) -> bool:
        """Times are always in UTC."""
        return True

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


class Pushed(Context):
    """A job that a test pretends to run, with `Task.push_request`."""

    def __init__(self, said: Mapping[str, Any], task: Any) -> None:
        super().__init__(current_job.get(), task)
        self._said = said

    def __getattribute__(self, name: str) -> Any:
        said = object.__getattribute__(self, "__dict__").get("_said", {})
        return said[name] if name in said else super().__getattribute__(name)


class Task(ours.Task[..., Any, Any]):
    """A task of a Celery app."""

    _pushed: tuple[Pushed, ...] = ()

    track_started: bool | None = None
    """Whether handles see a running job of it as STARTED; None: as the setting ``task_track_started`` says."""

    def __init__(self, *given: Any, **named: Any) -> None:
        if given:
            super().__init__(*given, **named)

    def bound_to(self, app: Any, name: str, settings: TaskSettings, sender: Callable[[], Any]) -> None:
        """Belong to an app: for tasks that were made without one."""
        run: Any = getattr(type(self), "run")  # noqa: B009 - of the subclass
        super().__init__(run, name, settings, sender, bind=True)
        self.belong_to(app, {})

    def belong_to(self, app: Any, attributes: Mapping[str, Any]) -> None:
        """Belong to an app, and have these attributes: functions are methods, as in a class.

        Raises
        ------
        ConfigError: a class of Celery's worker is among them.
        """
        for name, instead in _REFUSED.items():
            if name in attributes or hasattr(type(self), name):
                raise ConfigError(f"{self.name} has a {name} of its own, which nothing here would call: {instead}")
        vars(self)["_app"] = app
        for name, value in attributes.items():
            if isinstance(value, FunctionType):
                put(self, name, MethodType(value, self))
            else:
                object.__setattr__(self, name, value)  # limits that contradict each other are no options yet
        if self.settings.max_crashes is None and any(self._says(name, attributes) for name in AGAIN):
            self.annotate({"max_crashes": max(CRASHES, app.conf.task_max_crashes)})
        self.on_bound(app)

    def _says(self, name: str, attributes: Mapping[str, Any]) -> Any:
        return attributes.get(name, getattr(type(self), name, None))

    @classmethod
    def on_bound(cls, app: Any) -> None:
        """Do what is to be done when a task belongs to an app; a hook for subclasses."""

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
        return self._pushed[-1] if self._pushed else Context(current_job.get(), self)

    def push_request(self, **said: Any) -> None:
        """Let `request` say this, for a test that calls the task, until `pop_request`."""
        self._pushed = (*self._pushed, Pushed(said, self))

    def pop_request(self) -> None:
        """Undo the last `push_request`."""
        self._pushed = self._pushed[:-1]

    def add_trail(self, result: Any) -> Any:
        """Take note of a result as one of those that this run has sent, and return it."""
        current_job.get().sent(result)
        return result

    def signature_from_request(self, request: Any = None, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Return a signature of the running job, or of the one that `request` tells of: the same call again."""
        found = request or self.request
        again = {"headers": found.headers, "priority": found.priority, "queue": found.queue, **options}
        args, kwargs = (found.args if args is None else args), (found.kwargs if kwargs is None else kwargs)
        return self.signature(args, kwargs, {name: value for name, value in again.items() if value})

    subtask_from_request = signature_from_request

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

"""What ``@app.task(...)`` takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict

from sqlqueue.client.limited import quota_of
from sqlqueue.client.request import Defaults
from sqlqueue.client.unique import check_unique
from sqlqueue.domain.backoff import Backoff
from sqlqueue.domain.limits import complaint
from sqlqueue.domain.rates import interval
from sqlqueue.errors import ConfigError, EnqueueError
from sqlqueue.tasks.values import from_retry_kwargs, hint, tidied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlqueue.domain.rates import Rate


class TaskOptions(TypedDict, total=False):
    """The same as `TaskSettings`, for type checkers, and what Celery has besides.

    base: a subclass of `Task` for this one.
    retry_kwargs: ``max_retries`` and ``countdown`` of automatic retries, in Celery's form.
    reject_on_worker_lost: False: the first death of its worker ends the job, as ``max_crashes=1`` does.
    """

    name: str | None
    queue: str | None
    priority: int | None
    expires: float | datetime | None
    max_retries: int | None
    default_retry_delay: float
    autoretry_for: tuple[type[BaseException], ...]
    dont_autoretry_for: tuple[type[BaseException], ...]
    retry_backoff: bool | float
    retry_backoff_max: float
    retry_jitter: bool
    throws: tuple[type[BaseException], ...]
    acks_late: bool | None
    max_crashes: int | None
    ignore_result: bool | None
    time_limit: float | None
    soft_time_limit: float | None
    rate_limit: Rate
    transactional: bool
    send_events: bool
    concurrency_key: str | Callable[..., str | None] | None
    concurrency_limit: int | None
    fleet_rate_limit: str | int | None
    serializer: str | None
    compression: str | None
    unique_key: str | Callable[..., str | None] | None
    unique_for: float | None
    on_conflict: str | None
    typing: bool
    pydantic_strict: bool | None
    pydantic_context: Mapping[str, Any] | None
    base: Any
    retry_kwargs: Mapping[str, Any] | None
    reject_on_worker_lost: bool | None
    delivery_mode: Any
    exchange: Any
    lazy: Any
    pydantic: Any
    resultrepr_maxsize: Any
    routing_key: Any
    shared: Any
    store_errors_even_if_ignored: Any
    track_started: Any
    trail: Any


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """A task's options with their defaults, which are Celery's where it has the option.

    Parameters
    ----------
    name: the task's name; None: ``module.function``.
    queue, priority, expires, acks_late, max_crashes, ignore_result: for calls that do not say; None: the settings'.
    max_retries: how often a job may be retried; None: for ever.
    default_retry_delay: seconds, when ``self.retry()`` is not told.
    autoretry_for: exceptions that retry the job by themselves, unless in ``dont_autoretry_for``.
    retry_backoff: False: always ``default_retry_delay``; True or a number: seconds, doubled at each retry.
    retry_backoff_max: cap of the back-off, seconds.
    retry_jitter: draw each back-off between zero and its length.
    throws: exceptions that are expected: a failure without a traceback in the log.
    time_limit: seconds after which a run is ended and its job fails; None: the worker's.
    soft_time_limit: seconds after which `SoftTimeLimitExceeded` is raised in the task; None: the worker's.
    rate_limit: how often each worker starts it: ``10/s``, ``10/m``, ``10/h`` or a number a second.
    transactional: the task's writes, what it sends and its success are one commit: see transactional.md.
    send_events: whether workers tell of its jobs in the stream of events.
    concurrency_key: whose jobs count together, in the whole fleet: a text, or a function of the task's arguments.
    concurrency_limit: how many of them, or without a key of the task's jobs, run at a time in the whole fleet.
    fleet_rate_limit: how many of them start in the whole fleet: as ``rate_limit``.
    serializer: how arguments are written for calls that do not say; None: the setting ``task_serializer``.
    compression: how large arguments are made smaller for calls that do not say: gzip, bzip2 or lzma.
    unique_key: what only one of its jobs may be about: ``"sync:{user_id}"``, or a function of the task's arguments.
    unique_for, on_conflict: as of a call, for calls that do not say.
    typing: check a call's arguments against the function's signature before it is sent.
    pydantic_strict, pydantic_context: ``strict`` and ``context`` for models among the task's annotations.
    """

    name: str | None = None
    queue: str | None = None
    priority: int | None = None
    expires: float | datetime | None = None
    max_retries: int | None = 3
    default_retry_delay: float = 180.0
    autoretry_for: tuple[type[BaseException], ...] = ()
    dont_autoretry_for: tuple[type[BaseException], ...] = ()
    retry_backoff: bool | float = False
    retry_backoff_max: float = 600.0
    retry_jitter: bool = True
    throws: tuple[type[BaseException], ...] = ()
    acks_late: bool | None = None
    max_crashes: int | None = None
    ignore_result: bool | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    rate_limit: Rate = None
    transactional: bool = False
    send_events: bool = True
    concurrency_key: str | Callable[..., str | None] | None = None
    concurrency_limit: int | None = None
    fleet_rate_limit: str | int | None = None
    serializer: str | None = None
    compression: str | None = None
    unique_key: str | Callable[..., str | None] | None = None
    unique_for: float | None = None
    on_conflict: str | None = None
    typing: bool = True
    pydantic_strict: bool | None = None
    pydantic_context: Mapping[str, Any] | None = None

    @property
    def defaults(self) -> Defaults:
        """What it says about calls that do not say, but for keys: see `Parameters.key`."""
        return Defaults(
            self.queue, self.priority, self.expires, self.acks_late, self.max_crashes, self.ignore_result,
            self.concurrency_key, self.concurrency_limit, self.fleet_rate_limit,
            self.serializer, self.compression,
            unique_for=self.unique_for, on_conflict=self.on_conflict,
        )  # fmt: skip

    @property
    def validation(self) -> dict[str, Any]:
        """How pydantic models are made of arguments: the words of ``model_validate``."""
        said = {"strict": self.pydantic_strict, "context": self.pydantic_context}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def backoff(self) -> Backoff | None:
        """The growing wait between automatic retries, None for a constant one."""
        if not self.retry_backoff:
            return None
        return Backoff(max(1.0, float(self.retry_backoff)), self.retry_backoff_max, self.retry_jitter)


_NAMES = {one.name for one in fields(TaskSettings)}
_OF_CELERY = {"reject_on_worker_lost", "retry_kwargs"}


WITHOUT_EFFECT = {
    "delivery_mode": "every job is durable",
    "exchange": "there are none; use queue",
    "lazy": "a task is made at once",
    "pydantic": "models among a task's annotations are always made and checked",
    "resultrepr_maxsize": "results are shown whole",
    "routing_key": "there are none; use queue",
    "shared": "tasks belong to their app",
    "store_errors_even_if_ignored": "a failure is always kept",
    "track_started": "a running job is always seen as started",
    "trail": "a job's parent is always kept",
}
"""Celery's options of a task that are taken and change nothing, and why."""


def read_options(options: Mapping[str, Any], base: type | None = None) -> TaskSettings:
    """Return the settings that a decorator was given; raises ConfigError for what cannot be.

    Parameters
    ----------
    base: the task's class, whose attributes of these names are the defaults.
    """
    options = {**_of_class(base), **{name: value for name, value in options.items() if name not in WITHOUT_EFFECT}}
    lost = options.pop("reject_on_worker_lost", None)
    if lost is False:
        options.setdefault("max_crashes", 1)
    options = {**from_retry_kwargs(options.pop("retry_kwargs", None) or {}), **options}
    for name in sorted(options.keys() - _NAMES):
        raise ConfigError(f"@app.task has no option {name}{hint(name, _NAMES)}")
    settings = TaskSettings(**tidied(options))
    wrong = complaint(settings.soft_time_limit, settings.time_limit)
    if wrong is not None:
        raise ConfigError(wrong)
    interval(settings.rate_limit)
    quota_of(settings.concurrency_limit, settings.fleet_rate_limit)
    try:
        check_unique(settings.unique_key, settings.unique_for, settings.on_conflict)
    except EnqueueError as error:
        raise ConfigError(str(error)) from None
    return settings


def changed_options(settings: TaskSettings, changes: Mapping[str, Any]) -> tuple[TaskSettings, dict[str, Any]]:
    """Return a task's settings with some of them changed, and those of the changes that are no options."""
    known = {name: value for name, value in changes.items() if name in _NAMES | _OF_CELERY}
    others = {name: value for name, value in changes.items() if name not in known and name not in WITHOUT_EFFECT}
    return read_options({**asdict(settings), **known}), others


def _of_class(base: type | None) -> dict[str, Any]:
    """Return the options that a task's class and its own bases say as attributes; the nearest class wins."""
    found: dict[str, Any] = {}
    for kind in reversed(base.__mro__ if base is not None else ()):
        if kind.__module__.partition(".")[0] not in ("sqlqueue", "builtins", "typing"):
            found |= {name: value for name, value in vars(kind).items() if name in _NAMES | _OF_CELERY}
    return found

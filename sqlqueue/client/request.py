"""From a call to a row to be. Pure: no clock, no database.

Next room: ``client``, which sends it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

from sqlqueue.client.contents import form_of
from sqlqueue.client.limited import OPTIONS, limits_of
from sqlqueue.client.moments import due, expiry
from sqlqueue.client.named import dict_of, list_of, name_of, queue_of, unknown_option
from sqlqueue.client.routes import check_queue, queue_name, queue_of_exchange, route
from sqlqueue.domain.ids import new_job_id
from sqlqueue.domain.job import NewJob
from sqlqueue.domain.limits import complaint
from sqlqueue.errors import EncodingError, EnqueueError
from sqlqueue.serialization.encoded import writer
from sqlqueue.serialization.json import encode
from sqlqueue.serialization.sizes import TASK_SIZE, of_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlqueue.config import Config


class CallOptions(TypedDict, total=False):
    """What ``apply_async`` takes besides the task's arguments.

    queue: where the job waits.
    countdown: seconds until it is due, counted by the database.
    eta: the moment it is due; naive means the app's timezone.
    expires: seconds, or the moment, after which it must not start any more.
    priority: larger runs first, default 0.
    task_id: the job's id; sent twice, it is one job.
    unique_key: what only one job may be about at a time, or a function of the arguments; see docs/sending.md.
    unique_for: seconds for which the key stays taken, even when its job is over.
    concurrency_key: jobs of one key run one at a time, or ``concurrency_limit`` at a time; see docs/limits.md.
    concurrency_limit: how many jobs of the key, or without one of the task, run at a time in the whole fleet.
    fleet_rate_limit: how many of them start: ``10/s``, ``10/m``, ``10/h`` or a number a second.
    on_conflict: ``ignore`` (the default), ``replace`` or ``raise``, when another job has the key.
    headers: a dict that travels with the job.
    ignore_result: do not keep what the task returns.
    link: a signature, or several, to be called with the result when the job succeeds.
    link_error: the same, to be called with the job's id when it fails.
    serializer: how the arguments are written: json, yaml, msgpack, pickle or your own; see docs/serialization.md.
    compression: how large arguments are made smaller: gzip, bzip2 or lzma.
    time_limit: seconds after which a run is ended and the job fails; overrides the task's.
    soft_time_limit: seconds after which `SoftTimeLimitExceeded` is raised in the task; overrides the task's.
    shadow: a name to show instead of the task's, as ``self.request.shadow``.
    argsrepr, kwargsrepr: texts to show instead of the arguments, as ``self.request.argsrepr``.
    session: a connection or session whose transaction the job joins.
    connection: the same.
    exchange, routing_key, delivery_mode, mandatory, retry, retry_policy, producer, reply_to: Celery's, for a broker;
    taken, and without effect: jobs are rows.
    """

    queue: Any
    countdown: float | None
    eta: datetime | str | None
    expires: float | datetime | str | None
    priority: int | None
    task_id: str | None
    unique_key: str | Callable[..., str | None] | None
    unique_for: float | None
    on_conflict: str | None
    concurrency_key: str | None
    concurrency_limit: int | None
    fleet_rate_limit: str | int | None
    headers: Mapping[str, Any] | None
    ignore_result: bool | None
    link: Any
    link_error: Any
    serializer: str | None
    compression: str | None
    time_limit: float | None
    soft_time_limit: float | None
    shadow: str | None
    argsrepr: str | None
    kwargsrepr: str | None
    session: Any
    connection: Any
    exchange: Any
    routing_key: Any
    delivery_mode: Any
    mandatory: Any
    retry: Any
    retry_policy: Any
    producer: Any
    reply_to: Any


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a task says about its calls; None leaves it to the app's settings."""

    queue: str | None = None
    priority: int | None = None
    expires: float | datetime | None = None
    acks_late: bool | None = None
    max_crashes: int | None = None
    ignore_result: bool | None = None
    concurrency_key: str | Callable[..., str | None] | None = None
    concurrency_limit: int | None = None
    fleet_rate_limit: str | int | None = None
    serializer: str | None = None
    compression: str | None = None
    shadow_name: Callable[..., str | None] | None = None
    unique_key: Callable[..., str | None] | None = None
    unique_for: float | None = None
    on_conflict: str | None = None

    @property
    def is_limited(self) -> bool:
        """Whether the task's jobs are under a limit of the whole fleet, or may be."""
        return (
            self.concurrency_key is not None or self.concurrency_limit is not None or self.fleet_rate_limit is not None
        )


MAX_ID = 255
"""Characters of an id that a caller chooses."""

MAX_NAME = 255
"""Characters of a queue's or a task's name."""

NO_DEFAULTS = Defaults()

KNOWN_OPTIONS = frozenset(CallOptions.__annotations__)


def build(
    task: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: CallOptions,
    defaults: Defaults,
    config: Config,
) -> NewJob:
    """Return the job that a call describes.

    Raises
    ------
    EncodingError: an argument could never be stored; the message names it.
    EnqueueError: an option cannot be.
    ConfigError: there is no such serializer.
    """
    if options and not KNOWN_OPTIONS.issuperset(options):
        raise EnqueueError(unknown_option(options.keys(), KNOWN_OPTIONS))
    if config.task_routes is not None:
        defaults = _routed(task, args, kwargs, options, defaults, config)
    known = options.get("task_id")
    limited = defaults.is_limited or config.fleet_limits or (options and not options.keys().isdisjoint(OPTIONS))
    texts = _texts(task, args, kwargs, options, defaults, config)
    delay, run_at = due(options.get("countdown"), options.get("eta"), config)
    expires, expires_at = expiry(_first(options.get("expires"), defaults.expires), config)
    return NewJob(
        id=new_job_id() if known is None else name_of("task_id", known, MAX_ID),
        given_id=known is not None,
        task=name_of("the task's name", task, MAX_NAME),
        queue=_queue(_where(options, config) if options else None, defaults, config),
        args=texts[0],
        kwargs=texts[1],
        priority=_priority(_first(options.get("priority"), defaults.priority), config),
        delay=delay,
        run_at=run_at,
        expires=expires,
        expires_at=expires_at,
        acks_late=bool(_first(defaults.acks_late, config.task_acks_late)),
        max_crashes=int(_first(defaults.max_crashes, config.task_max_crashes)),
        headers=texts[2],
        options=texts[3],
        limits=limits_of(task, args, kwargs, options, defaults, config) if limited else None,
    )


def _texts(
    task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults, config: Config
) -> tuple[str, str, str | None, str | None]:
    """Return what a call carries as JSON texts: its arguments, its headers, and what the worker must know of it."""
    form, most, headers = form_of(options, defaults, config), config.task_max_size, options.get("headers")
    write = writer(*form, several=True)
    shown = options if defaults.shadow_name is None else _shadowed(options, defaults, args, kwargs)
    try:
        return (
            write(list_of("args", args), "args", most),
            write(dict_of("kwargs", kwargs), "kwargs", most),
            encode(dict_of("headers", headers), "headers", most) if headers else None,
            _options(shown, form, defaults, config),
        )
    except EncodingError as error:
        raise of_task(error, task, TASK_SIZE) from None


def looks_at_arguments(defaults: Defaults, config: Config) -> bool:
    """Whether two calls of one task with the same options may differ in more than their arguments."""
    return config.task_routes is not None or callable(defaults.concurrency_key) or defaults.shadow_name is not None


def _routed(
    task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults, config: Config
) -> Defaults:
    """Return what the task says about its calls, and the routes where it says nothing."""
    names = ("queue", "priority", "expires", "ignore_result", "serializer", "compression")
    said = {name: value for name in names if (value := getattr(defaults, name)) is not None}
    found = route(config, task, args, kwargs, {**said, **options})
    return replace(defaults, **{**found, **said})


def _where(options: CallOptions, config: Config) -> Any:
    """Return the queue that a call names, be it by the exchange of a broadcast queue."""
    given = options.get("queue")
    return queue_of_exchange(config, options.get("exchange")) if given is None else given


def _queue(given: Any, defaults: Defaults, config: Config) -> str:
    given = _first(given, defaults.queue)
    if given is None:
        given = config.task_default_queue
    elif not isinstance(given, str):
        given = queue_name(given) if hasattr(given, "name") else given
    name = queue_of(name_of("queue", given, MAX_NAME))
    if not config.task_create_missing_queues:
        check_queue(config, name)
    return name


def _first(*values: Any) -> Any:
    """Return the first value that is not None."""
    for value in values:
        if value is not None:
            return value
    return None


def _priority(value: object, config: Config) -> int:
    if value is None:
        value = config.task_default_priority
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 15) <= value < 1 << 15:
        raise EnqueueError(f"priority is {value!r}: use an integer from -32768 to 32767; larger runs first")
    most = config.task_queue_max_priority
    return value if most is None else min(value, most)


def _shadowed(options: CallOptions, defaults: Defaults, args: Sequence[Any], kwargs: Mapping[str, Any]) -> CallOptions:
    """Return the options with the name that the task gives this call to be shown."""
    assert defaults.shadow_name is not None  # noqa: S101 - asked before
    return {**options, "shadow": options.get("shadow") or defaults.shadow_name(args, kwargs, options)}


SHOWN = ("shadow", "argsrepr", "kwargsrepr")
"""Options that are kept with the job to be shown."""


def _options(options: CallOptions, form: tuple[str, str | None], defaults: Defaults, config: Config) -> str | None:
    """Return what the worker must know of this call as JSON text, None when it is nothing."""
    asked: dict[str, object] = {}
    if _first(options.get("ignore_result"), defaults.ignore_result, config.task_ignore_result):
        asked["ignore_result"] = True
    serializer, compression = form
    if serializer != "json":
        asked["serializer"] = serializer
    if compression:
        asked["compression"] = compression
    soft, hard = options.get("soft_time_limit"), options.get("time_limit")
    if soft is not None or hard is not None:
        wrong = complaint(soft, hard)
        if wrong is not None:
            raise EnqueueError(wrong)
        asked |= {name: value for name, value in (("soft_time_limit", soft), ("time_limit", hard)) if value is not None}
    if options:
        asked |= {name: value for name in SHOWN if (value := options.get(name)) is not None}
    return encode(asked, "options", config.task_max_size) if asked else None


def ignores_result(options: str | None) -> bool:
    """Tell from a job's options whether its result is not to be kept."""
    return options is not None and json.loads(options).get("ignore_result") is True

"""Every setting, its default and its meaning; read once, checked when read.

Names are Celery's lower-case ones, and its old ones are understood (``settings.names``). ``docs/settings.md`` lists
them; a test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlqueue.domain.limits import SHORTEST
from sqlqueue.domain.quota import check_limits
from sqlqueue.domain.rates import interval
from sqlqueue.errors import ConfigError
from sqlqueue.settings import names, sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass
class Config:
    """The settings of one app."""

    broker_url: str = _setting("sqlite:///sqlqueue.db", "URL of the database that holds jobs and results")
    broker_schema: str | None = _setting(None, "PostgreSQL: schema of the tables; None: the search_path finds them")
    broker_notifications: bool = _setting(True, "wake others with LISTEN and NOTIFY; False: everybody polls")
    broker_pooler: bool | None = _setting(
        None, "PostgreSQL: a transaction pooler stands before the server; None: the first connection finds out"
    )
    broker_synchronous: str = _setting(
        "FULL", "SQLite: FULL, or NORMAL, which may forget the last commits at a power cut"
    )
    result_backend: str | None = _setting(None, "results are kept beside the jobs: None, or the broker's URL again")
    imports: Sequence[str] = _setting((), "modules with tasks that a worker imports besides the app's own")
    include: Sequence[str] = _setting((), "the same, as Celery's second name for it")
    task_serializer: str = _setting("json", "how arguments are stored")
    result_serializer: str = _setting("json", "how results are stored")
    accept_content: Sequence[str] = _setting(("json",), "serializers that a worker reads")
    timezone: str = _setting("UTC", "zone in which a naive eta is meant")
    task_default_queue: str = _setting("default", "queue of calls that name none")
    task_default_priority: int = _setting(0, "priority of calls that name none; larger runs first")
    task_inherit_parent_priority: bool = _setting(
        False, "True: what a task sends has the priority of its own job, unless the call or the other task says"
    )
    task_annotations: Mapping[str, Any] | Sequence[Any] | None = _setting(
        None, "options of tasks set from outside: see tasks.md"
    )
    task_routes: Mapping[Any, Any] | Sequence[Any] | None = _setting(
        None, "where calls go that name no queue: see calling.md"
    )
    task_queues: Sequence[Any] | None = _setting(None, "queues that there are; a worker serves them by itself")
    task_create_missing_queues: bool = _setting(True, "False: only queues of task_queues may be used")
    task_queue_max_priority: int | None = _setting(None, "a larger priority counts as this one")
    task_send_sent_event: bool = _setting(False, "senders tell of each job that they send, while somebody watches")
    task_always_eager: bool = _setting(False, "True: delay() runs the task here and now, and no job is made")
    task_eager_propagates: bool = _setting(False, "True: an eager task's exception is raised by delay() itself")
    task_allow_error_cb_on_chord_header: bool = _setting(
        False, "True: errbacks of a chord run for each member of its header that fails, not only for its body"
    )
    task_acks_late: bool = _setting(True, "True: at least once; False: at most once")
    task_ignore_result: bool = _setting(False, "True: results are not kept, only that the job succeeded")
    task_max_crashes: int = _setting(3, "deaths of its worker after which a job fails")
    task_time_limit: float | None = _setting(None, "seconds after which a run is ended and its job fails; None: never")
    task_default_rate_limit: str | None = _setting(None, "how often each worker starts a task that does not say: 10/m")
    fleet_limits: Mapping[str, Any] | None = _setting(
        None, "what queues, tasks and keys may do in the whole fleet: see limits.md"
    )
    task_soft_time_limit: float | None = _setting(
        None, "seconds after which SoftTimeLimitExceeded is raised in the task; None: never"
    )
    unknown_task_timeout: float = _setting(3600.0, "seconds until a job whose task no live worker knows fails")
    result_expires: float = _setting(7 * 86400.0, "seconds that finished jobs are kept")
    worker_concurrency: int | None = _setting(
        None, "jobs at a time in one worker; None: as many as processors, or 100 coroutines"
    )
    worker_pool: str = _setting("prefork", "where tasks run: prefork, threads, asyncio or solo")
    worker_pool_start_method: str = _setting(
        "fork", "prefork: how children start: fork, or spawn, which gives each a fresh interpreter"
    )
    worker_max_tasks_per_child: int | None = _setting(
        None, "prefork: jobs after which a child is replaced; None: never"
    )
    worker_max_memory_per_child: int | None = _setting(
        None, "prefork: KiB of memory held during a job after which the child is replaced; None: any"
    )
    worker_soft_shutdown_timeout: float = _setting(
        0.0, "seconds that running tasks are given before a cold shutdown gives them back"
    )
    worker_redirect_stdouts: bool = _setting(True, "what tasks print goes to the worker's log")
    worker_redirect_stdouts_level: str = _setting("WARNING", "the level at which it is logged")
    worker_send_task_events: bool = _setting(
        False, "tell what happens to jobs also while nobody watches: see events.md"
    )
    worker_log_json: bool = _setting(False, "log one JSON object a line")
    worker_poll_interval: float = _setting(0.5, "seconds between two looks of an idle worker that was not woken")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Return the defaults, with what ``SQLQUEUE_<SETTING>`` variables say instead.

        Raises
        ------
        ConfigError: a variable's text is no value of its setting.
        """
        config = cls()
        for name, default in vars(config).copy().items():
            text = environment.get(f"SQLQUEUE_{name.upper()}")
            if text is not None:
                setattr(config, name, _parse(name, text, default))
        return config

    def update(self, settings: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Set several settings, under new or old names.

        Raises
        ------
        ConfigError: an unknown name (with the nearest known one) or a value that cannot be.
        """
        for name, value in {**(settings or {}), **more}.items():
            setattr(self, name, value)

    def read(self, source: Any, namespace: str | None = None) -> None:
        """Take the settings of a module, a class, an object or a dict; see `sqlqueue.settings.sources.read`."""
        for name, value in sources.read(source, _KNOWN, namespace).items():
            setattr(self, name, value)

    def humanize(self, *, with_defaults: bool = False) -> dict[str, str]:
        """Return settings as text, with secrets hidden: those that were changed, or all."""
        changed = {name: value for name, value in vars(self).items() if with_defaults or value != _default(name)}
        return {name: _shown(name, value) for name, value in changed.items()}

    def __setattr__(self, name: str, value: Any) -> None:
        found = _present_name(name)
        if found is None:
            raise ConfigError(sources.unknown(name, _NAMES))
        _check(found, value)
        object.__setattr__(self, found, value)

    def __getattr__(self, name: str) -> Any:
        """Return a setting by its old name, or one without effect: None until it is set."""
        found = None if name.startswith("_") else _present_name(name)
        if found is None:
            raise AttributeError(sources.unknown(name, _NAMES))
        return vars(self).get(found)

    def __getitem__(self, name: str) -> Any:
        if _present_name(name) is None:
            raise KeyError(name)
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _present_name(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or ``default`` when there is none of that name."""
        return getattr(self, name) if name in self else default


_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _parse(name: str, text: str, default: Any) -> Any:
    """Read a variable's text as its setting's kind of value."""
    try:
        if isinstance(default, bool) or name in _SWITCHES:
            return _WORDS[text.strip().lower()]
        if isinstance(default, float):
            return float(text)
        if isinstance(default, tuple):
            return tuple(text.replace(",", " ").split())
        whole = isinstance(default, int) or (name in _NUMBERS and isinstance(_NUMBERS[name][0], int))
        return int(text) if whole else float(text) if name in _NUMBERS else text
    except (KeyError, ValueError):
        kind = "true or false" if isinstance(default, bool) or name in _SWITCHES else "a number"
        raise ConfigError(f"SQLQUEUE_{name.upper()} is {text!r}: use {kind}") from None


_SWITCHES = {"broker_pooler"}
"""Settings that are true, false, or None by default."""

_NAMES = {one.name: one for one in fields(Config)}

_KNOWN = [*_NAMES, *names.REASONS]
_SPELLINGS = {spelling: name for name in sorted(_KNOWN) for spelling in (name.upper(), *names.old_names(name))}
_SPELLINGS |= {name: name for name in _KNOWN}


def _present_name(name: str) -> str | None:
    """Return the setting that a name means, new or old; None when there is none."""
    return _SPELLINGS.get(name)


def _default(name: str) -> Any:
    return _NAMES[name].default if name in _NAMES else None


_SECRET = re.compile(r"(password|secret|token|signature|(?<!routing)_key$)", re.IGNORECASE)
"""Settings whose value is never shown."""

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*:[^/\s]*(?=@)|(?<=password=)[^&\s'\"]+", re.IGNORECASE)
"""User and password of a URL, up to its last at sign, and a password among its query."""


def _shown(name: str, value: Any) -> str:
    """Return a setting's value as people may see it."""
    if value is not None and _SECRET.search(name):
        return "'***'"
    return _CREDENTIALS.sub("***", repr(value))


_NUMBERS = {
    "task_max_crashes": (1, 1000),
    "task_time_limit": (SHORTEST, float("inf")),
    "task_soft_time_limit": (SHORTEST, float("inf")),
    "unknown_task_timeout": (0, float("inf")),
    "result_expires": (60, float("inf")),
    "worker_concurrency": (1, 10_000),
    "worker_max_tasks_per_child": (1, 1 << 31),
    "worker_max_memory_per_child": (1, 1 << 40),
    "worker_soft_shutdown_timeout": (0, float("inf")),
    "worker_poll_interval": (0.01, 60),
    "task_default_priority": (-32768, 32767),
    "task_queue_max_priority": (-32768, 32767),
}

_CHOICES = {
    "worker_pool": ("prefork", "threads", "asyncio", "solo"),
    "worker_pool_start_method": ("fork", "spawn"),
    "broker_synchronous": ("FULL", "NORMAL"),
    "worker_redirect_stdouts_level": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    "task_create_missing_queues": (True, False),
    "task_always_eager": (True, False),
    "task_allow_error_cb_on_chord_header": (True, False),
    "task_send_sent_event": (True, False),
    "worker_send_task_events": (True, False),
    "task_inherit_parent_priority": (True, False),
    "task_eager_propagates": (True, False),
    "task_serializer": ("json",),
    "result_serializer": ("json",),
}

_LISTS = {
    "imports": "module names, such as ['shop.tasks']",
    "include": "module names, such as ['shop.tasks']",
    "accept_content": "serializers, such as ['json']",
}


def _check(name: str, value: Any) -> None:
    """Raise ConfigError for a value that cannot be."""
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ConfigError(f"{name} is {value!r}: use one of {', '.join(map(str, _CHOICES[name]))}")
    if name in _NUMBERS and value is not None:
        low, high = _NUMBERS[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ConfigError(f"{name} is {value!r}: use a number from {low} to {high}")
    if name in _SWITCHES and value is not None and not isinstance(value, bool):
        raise ConfigError(f"{name} is {value!r}: use True, False or None")
    if name == "broker_schema" and value is not None and (not value or ":" in value or not value.isprintable()):
        raise ConfigError(f"broker_schema is {value!r}: use printable characters without a colon")
    if name == "fleet_limits" and value is not None:
        check_limits(value)
    if name == "task_default_rate_limit":
        interval(value)
    if name in _LISTS and (isinstance(value, str) or not all(isinstance(one, str) for one in value)):
        raise ConfigError(f"{name} is {value!r}: use a list of {_LISTS[name]}")
    if name == "accept_content" and not {"json", "application/json"}.intersection(value):
        raise ConfigError(f"accept_content is {value!r}: json must be among it")
    if name == "timezone":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, TypeError):
            raise ConfigError(
                f"timezone is {value!r}, which is no zone of the IANA database, such as 'Europe/Rome'"
            ) from None

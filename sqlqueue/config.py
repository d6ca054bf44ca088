"""Every setting, its default and its meaning; read once, checked when read.

Names are Celery's lower-case ones. ``docs/settings.md`` lists them; a test compares the two.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlqueue.domain.limits import SHORTEST
from sqlqueue.domain.rates import interval
from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    timezone: str = _setting("UTC", "zone in which a naive eta is meant")
    task_default_queue: str = _setting("default", "queue of calls that name none")
    task_default_priority: int = _setting(0, "priority of calls that name none; larger runs first")
    task_acks_late: bool = _setting(True, "True: at least once; False: at most once")
    task_ignore_result: bool = _setting(False, "True: results are not kept, only that the job succeeded")
    task_max_crashes: int = _setting(3, "deaths of its worker after which a job fails")
    task_time_limit: float | None = _setting(None, "seconds after which a run is ended and its job fails; None: never")
    task_default_rate_limit: str | None = _setting(None, "how often each worker starts a task that does not say: 10/m")
    task_soft_time_limit: float | None = _setting(
        None, "seconds after which SoftTimeLimitExceeded is raised in the task; None: never"
    )
    unknown_task_timeout: float = _setting(3600.0, "seconds until a job whose task no live worker knows fails")
    result_expires: float = _setting(7 * 86400.0, "seconds that finished jobs are kept")
    worker_concurrency: int | None = _setting(
        None, "jobs at a time in one worker; None: as many as processors, or 100 coroutines"
    )
    worker_pool: str = _setting("prefork", "where tasks run: prefork, threads, asyncio or solo")
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
        """Set several settings.

        Raises
        ------
        ConfigError: an unknown name (with the nearest known one) or a value that cannot be.
        """
        for name, value in {**(settings or {}), **more}.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _NAMES:
            near = difflib.get_close_matches(name.lower(), _NAMES, n=1)
            hint = f": did you mean {near[0]!r}?" if near else "; docs/settings.md lists them all"
            raise ConfigError(f"there is no setting {name!r}{hint}")
        _check(name, value)
        object.__setattr__(self, name, value)

    def __getitem__(self, name: str) -> Any:
        if name not in _NAMES:
            raise KeyError(name)
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)


_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _parse(name: str, text: str, default: Any) -> Any:
    """Read a variable's text as its setting's kind of value."""
    try:
        if isinstance(default, bool) or name in _SWITCHES:
            return _WORDS[text.strip().lower()]
        if isinstance(default, float):
            return float(text)
        whole = isinstance(default, int) or (name in _NUMBERS and isinstance(_NUMBERS[name][0], int))
        return int(text) if whole else float(text) if name in _NUMBERS else text
    except (KeyError, ValueError):
        kind = "true or false" if isinstance(default, bool) or name in _SWITCHES else "a number"
        raise ConfigError(f"SQLQUEUE_{name.upper()} is {text!r}: use {kind}") from None


_SWITCHES = {"broker_pooler"}
"""Settings that are true, false, or None by default."""

_NAMES = {one.name: one for one in fields(Config)}

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
}

_CHOICES = {
    "worker_pool": ("prefork", "threads", "asyncio", "solo"),
    "broker_synchronous": ("FULL", "NORMAL"),
    "worker_redirect_stdouts_level": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
}


def _check(name: str, value: Any) -> None:
    """Raise ConfigError for a value that cannot be."""
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ConfigError(f"{name} is {value!r}: use one of {', '.join(_CHOICES[name])}")
    if name in _NUMBERS and value is not None:
        low, high = _NUMBERS[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ConfigError(f"{name} is {value!r}: use a number from {low} to {high}")
    if name in _SWITCHES and value is not None and not isinstance(value, bool):
        raise ConfigError(f"{name} is {value!r}: use True, False or None")
    if name == "broker_schema" and value is not None and (not value or ":" in value or not value.isprintable()):
        raise ConfigError(f"broker_schema is {value!r}: use printable characters without a colon")
    if name == "task_default_rate_limit":
        interval(value)
    if name == "timezone":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, TypeError):
            raise ConfigError(
                f"timezone is {value!r}, which is no zone of the IANA database, such as 'Europe/Rome'"
            ) from None

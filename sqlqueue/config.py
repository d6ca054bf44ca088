"""Every setting, its default and its meaning; read once, checked when read.

Names are Celery's lower-case ones, and its old ones are understood (``settings.names``). ``docs/settings.md`` lists
them; a test compares the two.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlqueue.domain.limits import SHORTEST, complaint
from sqlqueue.domain.quota import check_limits
from sqlqueue.domain.rates import interval
from sqlqueue.domain.sizes import LEAST, MOST, USUAL
from sqlqueue.errors import ConfigError
from sqlqueue.settings import names, sources
from sqlqueue.settings.checks import NUMBERS, check, meant, read_text
from sqlqueue.settings.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(eq=False, repr=False)
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
    task_serializer: str = _setting("json", "how arguments are stored: json, yaml, msgpack, pickle or your own")
    result_serializer: str = _setting("json", "how results are stored")
    accept_content: Sequence[str] = _setting(("json",), "serializers of arguments that are read; JSON always is")
    result_accept_content: Sequence[str] | None = _setting(
        None, "serializers of results that are read; None: as accept_content"
    )
    task_compression: str | None = _setting(
        None, "how arguments of a KiB and more are made smaller: gzip, bzip2 or lzma; None: they stay as they are"
    )
    result_compression: str | None = _setting(None, "the same of results")
    task_max_size: int = _setting(USUAL, "bytes that the arguments of a job may be: see serialization.md")
    result_max_size: int = _setting(USUAL, "bytes that what a task returns, or tells, may be")
    task_signing_keys: Sequence[str] = _setting(
        (), "jobs are signed with the first of these keys, and a worker runs only what one of them has signed"
    )
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
    result_expires: float | None = _setting(7 * 86400.0, "seconds that finished jobs are kept; None: for ever")
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
    worker_direct: bool = _setting(False, "True: each worker also serves a queue of its own: NAME.dq2")
    worker_disable_rate_limits: bool = _setting(False, "True: rate limits of tasks do not count")
    worker_redirect_stdouts: bool = _setting(True, "what tasks print goes to the worker's log")
    worker_redirect_stdouts_level: str = _setting("WARNING", "the level at which it is logged")
    worker_send_task_events: bool = _setting(
        False, "tell what happens to jobs also while nobody watches: see events.md"
    )
    worker_log_json: bool = _setting(False, "log one JSON object a line")
    worker_log_format: str | None = _setting(None, "a line of the log, as logging.Formatter has it; None: ours")
    worker_task_log_format: str | None = _setting(
        None, "the same inside a job, where %(task_name)s and %(task_id)s are known; None: worker_log_format"
    )
    worker_log_datefmt: str | None = _setting(None, "how a line's time looks, as strftime has it; None: ours")
    worker_task_log_datefmt: str | None = _setting(None, "the same inside a job; None: worker_log_datefmt")
    worker_log_color: bool | None = _setting(None, "colour warnings and errors; None: on a terminal")
    worker_poll_interval: float = _setting(0.5, "seconds between two looks of an idle worker that was not woken")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Return the defaults, with what ``SQLQUEUE_<SETTING>`` variables say instead.

        Raises
        ------
        ConfigError: a variable's text is no value of its setting.
        """
        config = cls()
        for name in vars(config).copy():
            text = environment.get(f"SQLQUEUE_{name.upper()}")
            if text is not None:
                setattr(config, name, from_text(name, text, f"SQLQUEUE_{name.upper()}"))
        return config

    def update(self, settings: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Set several settings, under new or old names.

        Raises
        ------
        ConfigError: an unknown name (with the nearest known one) or a value that cannot be; then nothing is changed.
        """
        self._take({**(settings or {}), **more})

    def read(self, source: Any, namespace: str | None = None) -> None:
        """Take the settings of a module, a class, an object or a dict; see `sqlqueue.settings.sources.read`."""
        self._take(sources.read(source, _KNOWN, namespace))

    def add_defaults(self, source: Mapping[str, Any]) -> None:
        """Set what is still at its own default."""
        names = {name: _present_name(name) for name in source}
        self._take({name: source[name] for name, own in names.items() if own is None or self[own] == _default(own)})

    @property
    def changes(self) -> dict[str, Any]:
        """What is not at its default."""
        return {name: value for name, value in vars(self).items() if value != _default(name)}

    def _take(self, settings: Mapping[str, Any]) -> None:
        """Set all of these, or none."""
        before = {name: copy(value) if isinstance(value, set) else value for name, value in vars(self).items()}
        try:
            for name, value in settings.items():
                setattr(self, name, value)
            _check_limits(self.task_soft_time_limit, self.task_time_limit)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def humanize(self, *, with_defaults: bool = False, censored: bool = True) -> str:
        """Return settings as lines of text; see `table`."""
        return "\n".join(
            f"{name}: {text}" for name, text in self.table(with_defaults=with_defaults, censored=censored).items()
        )

    def table(self, *, with_defaults: bool = False, censored: bool = True) -> dict[str, str]:
        """Return the text of each setting that was changed, or of all.

        Parameters
        ----------
        censored: hide secrets.
        """
        changed = {name: value for name, value in vars(self).items() if with_defaults or value != _default(name)}
        return {name: shown(name, value) if censored else repr(value) for name, value in changed.items()}

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}={text}' for name, text in self.table().items())})"

    def __setattr__(self, name: str, value: Any) -> None:
        found = _present_name(name)
        if found is None:
            raise ConfigError(sources.unknown(name, _NAMES))
        value = meant(found, value)
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
            raise KeyError(sources.unknown(name, _NAMES))
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _present_name(name) is not None

    def keys(self) -> list[str]:
        """Return the names of all settings."""
        return sorted(vars(self))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def items(self) -> list[tuple[str, Any]]:
        """Return names and values."""
        return [(name, self[name]) for name in self.keys()]

    def values(self) -> list[Any]:
        """Return the values, in the order of the names."""
        return [self[name] for name in self.keys()]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or ``default`` when there is none of that name."""
        return getattr(self, name) if name in self else default


_NAMES = {one.name: one for one in fields(Config)}

_KNOWN = [*_NAMES, *names.REASONS]
_SPELLINGS = {spelling: name for name in sorted(_KNOWN) for spelling in (name.upper(), *names.old_names(name))}
_SPELLINGS |= {name: name for name in _KNOWN}


def _present_name(name: str) -> str | None:
    """Return the setting that a name means, new or old; None when there is none."""
    return _SPELLINGS.get(name)


def _default(name: str) -> Any:
    return _NAMES[name].default if name in _NAMES else None


SIZES = ("task_max_size", "result_max_size")
_BOUNDS = NUMBERS | dict.fromkeys(SIZES, (LEAST, MOST))
_BOUNDS |= {"task_time_limit": (SHORTEST, float("inf")), "task_soft_time_limit": (SHORTEST, float("inf"))}
"""The least and the most of settings that are numbers."""


def from_text(name: str, text: str, called: str) -> Any:
    """Return the value that a text means for a setting; a name that is none keeps its text.

    Parameters
    ----------
    called: what an error calls it.
    """
    return read_text(name, text, _default(name), _BOUNDS.get(name), called)


def _check_limits(soft: Any, hard: Any) -> None:
    """Raise ConfigError for limits that contradict each other."""
    if wrong := complaint(soft, hard):
        raise ConfigError(f"task_{wrong}")


def _check(name: str, value: Any) -> None:
    """Raise ConfigError for a value that cannot be."""
    check(name, value, _default(name), _BOUNDS.get(name))
    if name == "fleet_limits" and value is not None:
        check_limits(value)
    if name == "task_default_rate_limit":
        interval(value)
    if name == "timezone":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, TypeError):
            raise ConfigError(
                f"timezone is {value!r}, which is no zone of the IANA database, such as 'Europe/Rome'"
            ) from None

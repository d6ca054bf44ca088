"""What values options of a task may have. Looked at when the task is made: later its jobs would suffer.

Next room: ``options``, which asks.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlqueue.errors import ConfigError
from sqlqueue.serialization.compression import compression_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EXCEPTIONS = ("autoretry_for", "dont_autoretry_for", "throws")
"""Options that are exception classes."""

OF_RETRY_KWARGS = ("max_retries", "countdown")


def tidied(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with exception classes as tuples.

    Raises
    ------
    ConfigError: a value that cannot be; the message names the option.
    """
    found = dict(options)
    for name in EXCEPTIONS:
        if name in found:
            found[name] = _classes(name, found[name])
    for name, (fits, what) in _RULES.items():
        value = found.get(name)
        if name in found and not fits(value):
            raise ConfigError(f"@app.task({name}={value!r}): use {what}")
    if found.get("compression"):
        compression_named(found["compression"])
    return found


def from_retry_kwargs(given: Any) -> dict[str, Any]:
    """Return the options that Celery's ``retry_kwargs`` mean."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"@app.task(retry_kwargs={given!r}): use a dict of max_retries and countdown")
    for name in given:
        if name not in OF_RETRY_KWARGS:
            raise ConfigError(f"@app.task(retry_kwargs=...) has no {name!r}{hint(name, OF_RETRY_KWARGS)}")
    names = {"max_retries": "max_retries", "countdown": "default_retry_delay"}
    return {names[name]: value for name, value in given.items() if value is not None}


def hint(name: object, known: Iterable[str]) -> str:
    """Return which name may have been meant, or all that there are."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    return f": did you mean {near[0]!r}?" if near else f"; it has {', '.join(names)}"


def _classes(name: str, value: Any) -> tuple[type[BaseException], ...]:
    found: Any = (value,) if isinstance(value, type) else value
    listed = isinstance(found, Collection) and not isinstance(found, str | Mapping)
    if not listed or not all(isinstance(one, type) and issubclass(one, BaseException) for one in found):
        raise ConfigError(f"@app.task({name}={value!r}): use exception classes, such as (ValueError, KeyError)")
    return tuple(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any, least: int, most: float = float("inf")) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_text(value: Any) -> bool:
    return value is None or (isinstance(value, str) and bool(value))


def _is_switch(value: Any) -> bool:
    return isinstance(value, int) and value in (0, 1)


_SWITCH: tuple[Callable[[Any], bool], str] = (_is_switch, "True or False")
_MAYBE: tuple[Callable[[Any], bool], str] = (lambda value: value is None or _is_switch(value), "True, False or None")

_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a name"),
    "queue": (
        lambda value: _is_text(value) or isinstance(getattr(value, "name", None), str), "a queue's name"
    ),
    "priority": (lambda value: value is None or _is_whole(value, -32768, 32767), "a whole number, -32768 to 32767"),
    "max_retries": (lambda value: value is None or _is_whole(value, 0), "a whole number from 0, or None: for ever"),
    "default_retry_delay": (lambda value: _is_number(value) and value >= 0, "seconds, 0 or more"),
    "retry_backoff": (
        lambda value: _is_switch(value) or (_is_number(value) and value >= 0), "True, False or seconds, 0 or more"
    ),
    "retry_backoff_max": (lambda value: _is_number(value) and value >= 0, "seconds, 0 or more"),
    "retry_jitter": _SWITCH,
    "acks_late": _MAYBE,
    "max_crashes": (lambda value: value is None or _is_whole(value, 1), "a whole number from 1, or None"),
    "ignore_result": _MAYBE,
    "transactional": _SWITCH,
    "send_events": _SWITCH,
    "serializer": (_is_text, "a serializer's name, such as 'json'"),
    "compression": (_is_text, "a compression's name, such as 'gzip'"),
    "typing": _SWITCH,
    "pydantic_strict": _MAYBE,
}  # fmt: skip
"""Of an option, what tells whether a value can be, and what to use instead."""

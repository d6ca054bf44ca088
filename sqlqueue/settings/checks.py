"""What values settings may have, and what a text of the environment means as one.

Next room: ``sqlqueue.config``, which asks.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlqueue.errors import ConfigError
from sqlqueue.settings.forms import WORDS, check_form, read_form

Bounds = tuple[float, float]

NUMBERS: dict[str, Bounds] = {
    "task_max_crashes": (1, 1000),
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
"""The least and the most."""

FOR_EVER = {"result_expires"}
"""Settings for which None is no default, but a value."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "worker_pool": ("prefork", "threads", "asyncio", "solo"),
    "worker_pool_start_method": ("fork", "spawn"),
    "broker_synchronous": ("FULL", "NORMAL"),
    "worker_redirect_stdouts_level": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
}

SWITCHES = {"broker_pooler", "worker_log_color"}
"""Settings that are true, false, or None by default."""

LISTS = {
    "imports": "module names, such as ['shop.tasks']",
    "include": "module names, such as ['shop.tasks']",
    "accept_content": "serializers, such as ['json', 'yaml']",
    "result_accept_content": "serializers, such as ['json', 'yaml']",
}

SHORTEST_KEY = 16
"""Characters of a signing key; fewer could be guessed."""

_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def meant(name: str, value: Any) -> Any:
    """Return a value in its usual form: a span of time in seconds, ``auto`` jobs at a time as None."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return None if name == "worker_concurrency" and value == "auto" else value


def read_text(name: str, text: str, default: Any, bounds: Bounds | None, called: str) -> Any:
    """Return what a text means, by its setting's kind of value.

    Parameters
    ----------
    called: what an error calls it.
    """
    if name in WORDS:
        return read_form(name, text, called)
    switch = isinstance(default, bool) or name in SWITCHES
    try:
        if switch:
            return _WORDS[text.strip().lower()]
        if isinstance(default, float):
            return float(text)
        if isinstance(default, tuple):
            return tuple(text.replace(",", " ").split())
        if name == "worker_concurrency" and text == "auto":
            return None
        whole = isinstance(default, int) or (bounds is not None and isinstance(bounds[0], int))
        return int(text) if whole else float(text) if bounds is not None else text
    except (KeyError, ValueError):
        kind = "true or false" if switch else "a number"
        raise ConfigError(f"{called} is {text!r}: use {kind}") from None


def check(name: str, value: Any, default: Any, bounds: Bounds | None) -> None:
    """Raise ConfigError for a value that cannot be."""
    check_form(name, value)
    choices = (True, False) if isinstance(default, bool) else CHOICES.get(name, (value,))
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}: use one of {', '.join(map(str, choices))}")
    if bounds is not None and not (value is None and (default is None or name in FOR_EVER)):
        _check_number(name, value, bounds, whole=isinstance(bounds[0], int) and not isinstance(default, float))
    if name in SWITCHES and value is not None and not isinstance(value, bool):
        raise ConfigError(f"{name} is {value!r}: use True, False or None")
    if name == "task_default_queue" and (not isinstance(value, str) or not value):
        raise ConfigError(f"task_default_queue is {value!r}: use a queue's name, such as 'default'")
    if (
        name == "broker_schema"
        and value is not None
        and (not isinstance(value, str) or not value or ":" in value or not value.isprintable())
    ):
        raise ConfigError(f"broker_schema is {value!r}: use printable characters without a colon")
    if name == "task_signing_keys" and not (_is_list_of_names(value) and all(map(_is_key, value))):
        raise ConfigError(
            f"{name} is no list of keys, texts of {SHORTEST_KEY} characters or more: fewer can be guessed"
        )
    if name in LISTS and not (value is None and default is None) and not _is_list_of_names(value):
        raise ConfigError(f"{name} is {value!r}: use a list of {LISTS[name]}")
    if name.endswith("_compression") and value is not None and not isinstance(value, str):
        raise ConfigError(f"{name} is {value!r}: use a compression's name, such as 'gzip', or None")
    if name.endswith("_serializer") and (not isinstance(value, str) or not value):
        raise ConfigError(f"{name} is {value!r}: use a serializer's name, such as 'json'")


def _check_number(name: str, value: Any, bounds: Bounds, *, whole: bool) -> None:
    low, high = bounds
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        raise ConfigError(f"{name} is {value!r}: use a {'whole ' if whole else ''}number from {low} to {high}")


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str) and all(isinstance(one, str) for one in value)


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= SHORTEST_KEY

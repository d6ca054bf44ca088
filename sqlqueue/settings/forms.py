"""Settings that are made of others' values: tables, lists, functions. What forms they may have.

Next room: ``checks``, which asks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlqueue.errors import ConfigError

WORDS = {
    "task_queues": "a list of queues, such as ['default', 'mail']",
    "task_routes": "a table such as {'shop.mail': 'mail'}, a list of such tables and of pairs, or a function",
    "task_annotations": "a table such as {'shop.mail': {'rate_limit': '10/m'}}, or a list of them",
    "fleet_limits": "a table such as {'queue:mail': 5, 'task:shop.sync': '10/m'}",
}
"""What to use instead of a value that cannot be."""


def check_form(name: str, value: Any) -> None:
    """Raise ConfigError for a value that is no form of its setting; what is in it is looked at when it is used."""
    fits = {"task_queues": _is_queues, "task_routes": _is_routes, "task_annotations": _is_annotations}.get(name)
    if fits is not None and value is not None and not fits(value):
        raise ConfigError(f"{name} is {value!r}: use {WORDS[name]}")


def read_form(name: str, text: str, called: str) -> Any:
    """Return what a text of the environment means: a list of queues, or JSON; of routes a function's name, too.

    Parameters
    ----------
    called: what an error calls it.
    """
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{called} is {text!r}: use JSON: {error}") from None
    if name == "task_queues":
        return tuple(text.replace(",", " ").split())
    if name == "task_routes":
        return text
    raise ConfigError(f"{called} is {text!r}: use JSON, {WORDS[name]}".replace("'", '"'))


def _is_queues(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes)


def _is_routes(value: Any) -> bool:
    found = value if isinstance(value, list | tuple) else [value]
    return all(
        isinstance(one, Mapping | list | tuple | str) or callable(one) or hasattr(one, "route_for_task")
        for one in found
    )


def _is_annotations(value: Any) -> bool:
    found = value if isinstance(value, list | tuple) else [value]
    return all(_is_table(one) if isinstance(one, Mapping) else hasattr(one, "annotate") for one in found)


def _is_table(value: Mapping[Any, Any]) -> bool:
    return all(isinstance(one, Mapping) for one in value.values())

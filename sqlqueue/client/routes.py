"""Where a call goes that does not say: the setting ``task_routes``, and which queues there may be.

Next room: ``request``, which asks for each call.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.broadcast import is_broadcast
from sqlqueue.errors import ConfigError, EnqueueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.config import Config

NOWHERE: Mapping[str, Any] = {}

_MEANT_FOR_A_BROKER = {"exchange", "exchange_type", "routing_key", "delivery_mode"}
_UNDERSTOOD = {"queue", "priority", "expires", "ignore_result", "serializer", "compression"}


def route(config: Config, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: Any) -> Mapping[str, Any]:
    """Return the options that the first fitting route gives to a call; the call's own win over them.

    Raises
    ------
    EnqueueError: a route answers with what is no route.
    """
    for one in _several(config.task_routes):
        found = _ask(one, task, args, kwargs, options)
        if found is not None:
            return _read(config, task, found)
    return NOWHERE


def check_queue(config: Config, queue: str) -> None:
    """Raise EnqueueError for a queue that is not in ``task_queues`` when only those may be used."""
    known = queue_names(config)
    if queue not in known:
        names = ", ".join(sorted(known)) or "none"
        raise EnqueueError(
            f"there is no queue {queue!r}: task_queues has {names}, and task_create_missing_queues is off"
        )


def queue_names(config: Config) -> list[str]:
    """Return the queues of ``task_queues``, in order, or the default one: what a worker serves by itself."""
    return [queue_name(one) for one in config.task_queues or ()] or [config.task_default_queue]


def broadcast_names(config: Config) -> frozenset[str]:
    """Return the names of those queues of ``task_queues`` whose jobs every worker does."""
    return frozenset(queue_name(one) for one in config.task_queues or () if is_broadcast(one))


def queue_of_exchange(config: Config, exchange: Any) -> str | None:
    """Return the broadcast queue that an exchange means, as in Celery; None when it means none."""
    if exchange is None:
        return None
    name = getattr(exchange, "name", exchange)
    return name if name in broadcast_names(config) else None


def queue_name(given: Any) -> str:
    """Return a queue's name, of a string or of an object with a ``name``.

    Raises
    ------
    ConfigError: it is neither.
    """
    if isinstance(given, str):
        return given
    # Celery's broadcast queues are known by their alias: their name is made up anew in each process.
    name = (getattr(given, "alias", None) if is_broadcast(given) else None) or getattr(given, "name", None)
    if not isinstance(name, str):
        raise ConfigError(f"{given!r} is no queue: use its name")
    return name


def _several(routes: Any) -> Iterable[Any]:
    """Return one route or a list of them as a list; pairs of pattern and route that follow each other are one map."""
    if routes is None:
        return ()
    if not isinstance(routes, list | tuple):
        return (routes,)
    found: list[Any] = []
    pairs: dict[Any, Any] | None = None
    for one in routes:
        if not _is_pair(one):
            pairs = None
            found.append(_map_of(one) if isinstance(one, list | tuple) else one)
        elif pairs is None:
            pairs = _map_of([one])
            found.append(pairs)
        else:
            pairs.setdefault(*one)
    return found


def _is_pair(one: Any) -> bool:
    """Whether it is a pattern with its route."""
    pair = isinstance(one, list | tuple) and len(one) == 2  # noqa: PLR2004 - two
    return pair and isinstance(one[0], str | re.Pattern) and not isinstance(one[1], list | tuple)


def _map_of(pairs: Iterable[Any]) -> dict[Any, Any]:
    """Return pairs as a map; of the same pattern the first counts."""
    found: dict[Any, Any] = {}
    for one in pairs:
        if not _is_pair(one):
            raise ConfigError(f"task_routes has {one!r} among its pairs: use (pattern, queue)")
        found.setdefault(*one)
    return found


def _ask(one: Any, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: Any) -> Any:
    if isinstance(one, str):
        one = _imported(one)
    if isinstance(one, Mapping):
        return _mapped(one, task)
    if isinstance(one, type):
        one = one()
    if hasattr(one, "route_for_task"):
        return one.route_for_task(task, args, kwargs)
    if not callable(one):
        raise ConfigError(f"task_routes has {one!r}: use a map, pairs of pattern and queue, or a function")
    try:
        return one(task, args, kwargs, options, task=None)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:  # raised inside it
            raise
        message = f"task_routes: a function is called with (name, args, kwargs, options, task=None): {error}"
        raise ConfigError(message) from None


@lru_cache(maxsize=64)
def _imported(name: str) -> Any:
    """Return the function that the settings name: ``package.module.function``, or with a colon before it."""
    module, _, attribute = name.replace(":", ".").rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"task_routes names {name!r}, which cannot be imported: {error}") from error


def _mapped(routes: Mapping[Any, Any], task: str) -> Any:
    """Return the route of a task's exact name, else of the first pattern that fits."""
    if task in routes:
        return routes[task]
    for pattern, found in routes.items():
        expression = _expression(pattern) if isinstance(pattern, str) else pattern
        if expression is not None and expression.match(task):
            return found
    return None


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str] | None:
    return re.compile(translate(pattern)) if set("*?[") & set(pattern) else None


def _read(config: Config, task: str, found: Any) -> Mapping[str, Any]:
    """Return a route as options: a queue, or a dict with one."""
    if not isinstance(found, Mapping):
        return {"queue": queue_name(found)}
    if found.get("queue") is None and (queue := queue_of_exchange(config, found.get("exchange"))):
        found = {**found, "queue": queue}
    unknown = sorted(found.keys() - _UNDERSTOOD - _MEANT_FOR_A_BROKER)
    if unknown or not _UNDERSTOOD & found.keys():
        wrong = f"has {', '.join(unknown)}" if unknown else "names neither queue nor priority"
        raise EnqueueError(f"the route of {task} {wrong}: use {', '.join(sorted(_UNDERSTOOD))}")
    options = {name: value for name, value in found.items() if name in _UNDERSTOOD}
    if options.get("queue") is not None:
        options["queue"] = queue_name(options["queue"])
    return options

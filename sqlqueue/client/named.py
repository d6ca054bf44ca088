"""Looks at what a call is given: names, lists and dicts. Each complaint names what is wrong and shows it, cut. Pure.

Next room: ``request``, which asks for each call.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlqueue.errors import EnqueueError

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_SHOWN = 60
"""Characters of a wrong value that a message shows."""

DIVIDERS = frozenset(",= ")
"""What divides names of queues where they are listed: ``-Q a,b=2``, ``SQLQUEUE_TASK_QUEUES="a b"``."""

LISTS = (list, tuple)

NO_LISTS = (str, bytes, Mapping)
"""What has items, and is no list of arguments all the same."""

CELERYS_OWN = frozenset(
    {
        "add_to_parent",
        "app_id",
        "chain",
        "chord",
        "group_id",
        "parent_id",
        "result_cls",
        "retries",
        "root_id",
        "task_type",
    }
)
"""Options by which Celery's parts speak to each other."""


def name_of(what: str, value: object, limit: int) -> str:
    """Return a name; raises EnqueueError when it is none, or longer than ``limit`` characters."""
    if not isinstance(value, str) or not value or len(value) > limit:
        raise EnqueueError(f"{what} is {shown(value)}: use a string of 1 to {limit} characters")
    if not value.isprintable():
        raise EnqueueError(f"{what} is {shown(value)}: use printable characters only")
    return value


def queue_of(name: str) -> str:
    """Return the name of a queue that a worker can be told to serve; raises EnqueueError."""
    if not DIVIDERS.isdisjoint(name):
        raise EnqueueError(
            f"queue is {shown(name)}: use a name without comma, equals sign or space, which divide lists of queues"
        )
    return name


def list_of(what: str, value: Iterable[Any]) -> list[Any]:
    """Return arguments as a list; raises EnqueueError for a text, a dict, or what has no items."""
    if not isinstance(value, LISTS) and (isinstance(value, NO_LISTS) or not isinstance(value, Iterable)):
        raise EnqueueError(f"{what} is {shown(value)}: use a list or a tuple")
    return list(value)


def dict_of(what: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return named values as a dict; raises EnqueueError when they have no names."""
    if not isinstance(value, dict) and not isinstance(value, Mapping):
        raise EnqueueError(f"{what} is {shown(value)}: use a dict")
    return dict(value)


def unknown_option(
    given: Collection[str], known: Collection[str], called: str = "apply_async", page: str = "calling"
) -> str:
    """Say which options there are not, and what may have been meant."""
    unknown = sorted(set(given) - set(known))
    says = f"{called} has no option {', '.join(unknown)}"
    if unknown[0] in CELERYS_OWN:
        return f"{says}: in Celery its workflows and its retries set that; here the job's row says it: leave it out"
    near = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.75)
    return f"{says}: did you mean {near[0]!r}?" if near else f"{says}; docs/{page}.md lists them"


def shown(value: object) -> str:
    """Return a value as Python writes it, cut where it is long."""
    text = repr(value)
    if len(text) <= MOST_SHOWN:
        return text
    size = f" ({len(value):,} characters)" if isinstance(value, str) else ""
    return f"{text[:MOST_SHOWN]}…{size}"

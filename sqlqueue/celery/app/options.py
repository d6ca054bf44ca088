"""Calling options as Celery takes them: any, and those that it does not know are properties of the message."""

from __future__ import annotations

from typing import Any

from sqlqueue.client.request import KNOWN_OPTIONS
from sqlqueue.domain.limits import complaint
from sqlqueue.errors import EnqueueError
from sqlqueue.tasks.options import TaskOptions

_CELERY_ONLY = frozenset({
    "add_to_parent", "errbacks", "group_id", "group_index", "parent_id", "producer",
    "publisher", "result_cls", "retries", "root_id", "route_name", "router",
    "throw", "utc",
})  # fmt: skip
"""What Celery's own parts hand to each other, or what says how a message is written."""


_TASK_OPTIONS = frozenset({*TaskOptions.__annotations__, "bind"})
_LIMITS = frozenset({"soft_time_limit", "time_limit"})


_WORKFLOWS = {
    "chain": "a chain is made as a whole: chain(task.s(...), ...).apply_async()",
    "chord": "a chord is made as a whole: chord(header)(body); inside a task, self.add_to_chord(signature)",
}
"""Options in which Celery's messages carry what follows on a job, and what to use instead: here those are rows."""


def known_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return those options of a task that are ours too; limits that contradict each other are told of at the call."""
    wrong = complaint(options.get("soft_time_limit"), options.get("time_limit")) is not None
    known = _TASK_OPTIONS - _LIMITS if wrong else _TASK_OPTIONS
    return {name: value for name, value in options.items() if name in known}


def translated(options: dict[str, Any]) -> dict[str, Any]:
    """Return options that we know; stamps and message properties go into the headers.

    Raises
    ------
    EnqueueError: an option of Celery's messages that would have to do something.
    """
    if KNOWN_OPTIONS.issuperset(options):
        return options
    known = {name: value for name, value in options.items() if name in KNOWN_OPTIONS}
    headers = dict(known.get("headers") or {})
    properties = {}
    stamped = options.get("stamped_headers") or ()
    for name, value in options.items():
        if name in KNOWN_OPTIONS or value is None:
            continue
        if name in _WORKFLOWS and value:
            raise EnqueueError(f"the option {name} is not here: {_WORKFLOWS[name]}")
        if name in ("stamped_headers", "replaced_task_nesting") or name in stamped:
            headers[name] = value
        elif name not in _CELERY_ONLY and name not in _WORKFLOWS:
            properties[name] = value
    if properties:
        headers["properties"] = {**headers.get("properties", {}), **properties}
    if headers:
        known["headers"] = headers
    return known

"""Exceptions to data and back, without ever importing a name that data holds.

An exception comes back as its own class only when that is a builtin or its module is already imported by the
application; otherwise as `sqlqueue.errors.TaskFailed` with the same words.
"""

from __future__ import annotations

import builtins
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from sqlqueue.domain.outcome import Failure
from sqlqueue.errors import EncodingError, TaskFailed
from sqlqueue.serialization.json import decode, encode

if TYPE_CHECKING:
    from types import TracebackType

_OURS = str(Path(__file__).parents[1])

MAX_TRACEBACK = 16 * 1024
"""Characters of traceback kept; of a longer one the end, where the cause is."""

MAX_MESSAGE = 2 * 1024
"""Characters of message kept."""


def describe(error: BaseException) -> Failure:
    """Return ``error`` as data; survives an exception whose ``__str__`` raises."""
    kind = type(error)
    message = _message(error)
    head = f"{kind.__qualname__}: {message}" if message else kind.__qualname__
    data = {"module": kind.__module__, "name": kind.__qualname__, "args": _arguments(error, message)}
    return Failure(head, encode(data), _traceback(error))


def restore(exception: str | None, error: str | None) -> BaseException:
    """Return the exception that `describe` was given, or a `TaskFailed` in its place.

    Parameters
    ----------
    exception: the JSON text of `Failure.exception`.
    error: the one line of `Failure.error`.
    """
    if exception is None:
        return TaskFailed(error or "the job failed", "")
    data = decode(exception)
    kind = _known_class(data["module"], data["name"])
    if kind is not None:
        try:
            return kind(*data["args"])
        except Exception:  # noqa: BLE001, S110 - a constructor of its own kind: the stand-in says the same
            pass
    name = data["name"] if data["module"] == "builtins" else f"{data['module']}.{data['name']}"
    return TaskFailed(name, (error or "").partition(": ")[2])


def _known_class(module: str, name: str) -> type[Exception] | None:
    """Return the exception class of that name if it is loaded already and is one."""
    home = builtins if module == "builtins" else sys.modules.get(module)
    found: object = home
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, type) or (found is home and home is not None) else None
    if isinstance(found, type) and issubclass(found, Exception):
        return found
    return None


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - user code; its failure must not hide the task's
        text = f"<{type(broken).__name__} in __str__>"
    return storable(text)[:MAX_MESSAGE]


def _arguments(error: BaseException, message: str) -> list[object]:
    """Return what the class can be called with again: its args when JSON holds them, else the message."""
    try:
        if len(encode([list(error.args)], "args")) <= MAX_MESSAGE:  # as deep as in what `describe` encodes
            return list(error.args)
    except EncodingError:
        pass
    return [message]


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(type(error), error, _users_part(error.__traceback__)))
    except Exception as broken:  # noqa: BLE001 - as in _message
        text = f"<no traceback: {type(broken).__name__} while formatting it>"
    return storable(text)[-MAX_TRACEBACK:]


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback without our own frames at its head: they say nothing of the task."""
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace


def storable(text: str) -> str:
    """Return ``text`` with what no database column can hold written as escapes."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()

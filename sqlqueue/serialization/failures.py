"""Exceptions to data and back, without ever importing a name that data holds.

An exception comes back as its own class only when that is a builtin or its module is already imported by the
application; otherwise as `sqlqueue.errors.TaskFailed` with the same words. Its attributes travel too, as far as JSON
can hold them, so that a class whose constructor takes something else than its ``args`` comes back as it was.
"""

from __future__ import annotations

import builtins
import sys
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.outcome import Failure
from sqlqueue.errors import EncodingError, TaskFailed
from sqlqueue.serialization.json import decode, encode

if TYPE_CHECKING:
    from types import TracebackType

    from sqlqueue.serialization.encoded import Write
    from sqlqueue.serialization.typed import Opener

_OURS = str(Path(__file__).parents[1])

MAX_TRACEBACK = 16 * 1024
"""Characters of traceback kept; of a longer one the end, where the cause is."""

MAX_MESSAGE = 2 * 1024
"""Characters of message kept."""


def describe(error: BaseException, write: Write = encode) -> Failure:
    """Return ``error`` as data; survives an exception whose ``__str__`` raises.

    Parameters
    ----------
    write: writes what JSON cannot hold of its arguments, as `encode` does.
    """
    kind = type(error)
    message = _message(error)
    head = f"{kind.__qualname__}: {message}" if message else kind.__qualname__
    where = encode({"module": kind.__module__, "name": kind.__qualname__})
    data = f'{where[:-1]},"args":{_arguments(error, message, write)}'
    if state := _attributes(error):
        data += f',"state":{state}'
    return Failure(head, data + "}", _traceback(error))


def restore(exception: str | None, error: str | None, opened: Opener | None = None) -> BaseException:
    """Return the exception that `describe` was given, or a `TaskFailed` in its place.

    Parameters
    ----------
    exception: the JSON text of `Failure.exception`.
    error: the one line of `Failure.error`.
    opened: as in `decode`; what may not be read leaves the stand-in.
    """
    if exception is None:
        return TaskFailed(error or "the job failed", "")
    try:
        data = decode(exception, opened)
        kind = _known_class(data["module"], data["name"])
    except EncodingError:
        data, kind = decode(exception), None
    if kind is not None and (found := _made(kind, data, error)) is not None:
        return found
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


def _made(kind: type[Exception], data: dict[str, Any], error: str | None) -> Exception | None:
    """Return the exception that says what the task's said, None when there is none of this class that does.

    First as its constructor makes it of ``args``; where that refuses, or makes something else of them, without.
    """
    said = (error or "").removeprefix(f"{kind.__qualname__}").removeprefix(": ")
    first: Exception | None = None
    for make in (kind, partial(kind.__new__, kind)):
        try:
            found = make(*data["args"])
            vars(found).update(data.get("state") or {})
            words = str(found)
        except Exception:  # noqa: BLE001, S112 - a constructor of its own kind, or a __str__ that misses something
            continue
        if storable(words)[:MAX_MESSAGE] == said:
            return found
        first = first or found
    return first


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - user code; its failure must not hide the task's
        text = f"<{type(broken).__name__} in __str__>"
    return storable(text)[:MAX_MESSAGE]


def _arguments(error: BaseException, message: str, write: Write) -> str:
    """Return what the class can be called with again, as JSON text: its args if they can be written, or the message."""
    try:
        args = list(error.args)
    except Exception:  # noqa: BLE001 - code of the user's class
        return encode([message])
    if isinstance(error, OSError) and error.filename is not None and len(args) == 2:  # noqa: PLR2004 - errno, strerror
        args.append(error.filename)
    for one in (encode,) if write is encode else (encode, write):  # what JSON holds everybody may read
        try:
            text = one(args, "args")
        except EncodingError:
            continue
        if len(text) <= MAX_MESSAGE:
            return text
    return encode([message])


def _attributes(error: BaseException) -> str | None:
    """Return those attributes of its own that JSON can hold, notes among them, as JSON text; None for none."""
    found, left = {}, MAX_MESSAGE
    for name, value in getattr(error, "__dict__", {}).items():
        if name == "__notes__" and isinstance(value, list):
            value = [storable(note) for note in value if isinstance(note, str)]  # noqa: PLW2901 - the same, storable
        with suppress(EncodingError):
            size = len(encode({name: value}, "state"))
            if size <= left:
                found[name], left = value, left - size
    return encode(found, "state") if found else None


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

"""Values that JSON has no word for, as JSON that says what they are: ``{"$uuid": "..."}``.

An object with that one key, readable by SQL. Nothing here imports a name that data holds: what tags mean is this list.
Enums, dataclasses, pydantic models and what has a method ``__json__``, such as results, are written as their plain
values, and come back as such.

Next room: ``json``, which asks for what it does not know.
"""

from __future__ import annotations

import base64
import dataclasses
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlqueue.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable

    Opener = Callable[[Any], Any]

MAX_DEPTH = 64
"""Deepest nesting: far below where either database's parser gives up."""


class Unwritable(EncodingError):
    """A part of a value cannot be stored; what it says begins with the path from the value to that."""


NOT_TYPED = object()
"""Answer of `describe` for what cannot be written."""

ESCAPE = "$dict"
"""Tag of a user's own object whose one key looks like a tag."""

ENCODED = "$encoded"
"""Tag of what another serializer than JSON has written: see ``encoded``."""


_ELSEWHERE: list[Callable[[Any], Any]] = []


def describe(value: Any) -> Any:
    """Return a value as plain values one level down, with its tag; `NOT_TYPED` for what has no such form."""
    match value:
        case Enum():
            return value.value
        case datetime():
            return {"$datetime": value.isoformat()}
        case date():
            return {"$date": value.isoformat()}
        case time():
            return {"$time": value.isoformat()}
        case timedelta():
            return {"$timedelta": _seconds(value)}
        case UUID():
            return {"$uuid": str(value)}
        case Decimal():
            return {"$decimal": str(value)}
        case bytes() | bytearray():
            return {"$bytes": base64.b64encode(value).decode()}
        case set() | frozenset():
            return {"$set" if isinstance(value, set) else "$frozenset": sorted(value, key=repr)}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        case _ if hasattr(type(value), "model_dump"):
            return value.model_dump(mode="json")
        case _ if hasattr(type(value), "__json__"):
            return value.__json__()
    return next((found for ask in _ELSEWHERE if (found := ask(value)) is not NOT_TYPED), NOT_TYPED)


def described(value: Any, path: str) -> Any:
    """Return what `describe` does.

    Raises
    ------
    Unwritable: the value's own code fails, such as a model with bytes that are no text.
    """
    try:
        return describe(value)
    except Exception as error:
        kind = type(value).__qualname__
        raise Unwritable(f"{path} is of type {kind}, which cannot be made into plain values: {error}") from error


def describe_elsewhere(ask: Callable[[Any], Any], tag: str, read: Callable[[Any], Any]) -> None:
    """Ask ``ask`` too for what is not known here: it answers as `describe`, and ``read`` is given what has ``tag``."""
    _ELSEWHERE.append(ask)
    _READERS[tag] = read


def no_form(value: Any) -> str:
    """Return what is said of a value of which `describe` knows nothing."""
    return f"is of type {type(value).__qualname__}, which cannot be stored: pass its id or a dict of plain values"


def shortened(path: str) -> str:
    """Return a path as it fits in a line of text."""
    return path if len(path) <= 80 else f"{path[:40]}...{path[-37:]}"  # noqa: PLR2004 - a line of text


def replaced(value: Any) -> Any:
    """Return ``value`` with everything that JSON has no word for described."""
    if isinstance(value, dict):
        inside = {key: replaced(item) for key, item in value.items()}
        return {ESCAPE: inside} if looks_tagged(value) else inside
    if isinstance(value, list | tuple):
        return [replaced(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    found = describe(value)
    if isinstance(found, dict) and looks_tagged(found):
        ((tag, content),) = found.items()
        return {tag: replaced(content)}
    return replaced(found)


def plain(value: Any, path: str = "", keep: tuple[type, ...] = (), depth: int = 0) -> Any:
    """Return ``value`` described as for JSON, for forms that have its types and a few more.

    Parameters
    ----------
    keep: types that the form holds by itself.

    Raises
    ------
    Unwritable: something has no such form.
    """
    if depth > MAX_DEPTH:
        raise Unwritable(f"{shortened(path)} is nested deeper than {MAX_DEPTH} levels (or contains itself)")
    if isinstance(value, dict):
        inside = {_key(key, path): plain(item, f"{path}.{key}", keep, depth + 1) for key, item in value.items()}
        return {ESCAPE: inside} if looks_tagged(value) else inside
    if isinstance(value, list | tuple):
        return [plain(item, f"{path}[{place}]", keep, depth + 1) for place, item in enumerate(value)]
    if value is None or type(value) in (str, int, float, bool, *keep):
        return value
    if isinstance(value, str | int | float) and not isinstance(value, Enum):  # YAML knows no subclasses
        kind = next(kind for kind in (str, int, float) if isinstance(value, kind))
        return str.__str__(value) if kind is str else kind(value)
    found = described(value, path)
    if found is NOT_TYPED:
        raise Unwritable(f"{path} {no_form(value)}")
    if isinstance(found, dict) and looks_tagged(found):
        ((tag, content),) = found.items()
        return {tag: plain(content, path, keep, depth + 1)}
    return plain(found, path, keep, depth + 1)


def _key(key: Any, path: str) -> Any:
    """Return a key as the forms that hold more keys than JSON have it; raises Unwritable where none could read it."""
    if isinstance(key, tuple | frozenset):
        kind = type(key).__name__
        raise Unwritable(f"{path} has the key {key!r} of type {kind}, which could not be read again: pass str(key)")
    return str.__str__(key) if isinstance(key, str) else key


def revived(value: Any, opened: Opener | None = None) -> Any:
    """Return ``value`` with everything that was described as it was; an unknown tag is left as it is.

    Parameters
    ----------
    opened: returns the value of what another serializer has written; None leaves that as it is.
    """
    if isinstance(value, list):
        return [revived(item, opened) for item in value]
    if not isinstance(value, dict):
        return value
    if looks_tagged(value):
        ((tag, content),) = value.items()
        if tag == ESCAPE and isinstance(content, dict):
            return {key: revived(item, opened) for key, item in content.items()}
        if tag in _READERS:
            return _READERS[tag](content)
        if tag == ENCODED and opened is not None:
            return opened(content)
    return {key: revived(item, opened) for key, item in value.items()}


def looks_tagged(value: dict[Any, Any]) -> bool:
    """Tell whether an object has one key, and that begins as tags do."""
    return len(value) == 1 and str(next(iter(value))).startswith("$")


def _seconds(value: timedelta) -> str:
    """Return exact seconds as text, which SQL can cast to a number."""
    whole, rest = divmod(value // timedelta(microseconds=1), 1_000_000)
    return f"{whole}" if not rest else str(Decimal(whole) + Decimal(rest) / 1_000_000)


def _timedelta(text: str) -> timedelta:
    return timedelta(microseconds=int(Decimal(text) * 1_000_000))


def _set_of(make: Callable[[list[Any]], Any], content: list[Any]) -> Any:
    """Return a set; arrays among its members were tuples, since lists cannot be in a set.

    Members that were dataclasses or models are dicts now, which cannot either: then it is a list, until the task's
    annotations say what they were.
    """
    members = [_hashable(revived(item)) for item in content]
    try:
        return make(members)
    except TypeError:
        return members


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


_READERS: dict[str, Callable[[Any], Any]] = {
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$timedelta": _timedelta,
    "$uuid": UUID,
    "$decimal": Decimal,
    "$bytes": base64.b64decode,
    "$set": partial(_set_of, set),
    "$frozenset": partial(_set_of, frozenset),
}

"""Other forms of values than JSON: which there are, and how each writes and reads one value.

The libraries of an extra are imported when a value in that form is first met. Next room: ``encoded``, which puts what
is written here into the JSON columns.
"""

from __future__ import annotations

import difflib
import importlib
import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.errors import ConfigError, EncodingError
from sqlqueue.serialization import json
from sqlqueue.serialization.typed import plain, revived

if TYPE_CHECKING:
    from collections.abc import Callable


class Serializer(NamedTuple):
    """One form of values; ``encode`` returns text or bytes, and ``decode`` is given the same."""

    name: str
    content_type: str
    encode: Callable[[Any], str | bytes]
    decode: Callable[[Any], Any]


def _library(module: str, extra: str) -> Any:
    """Return what writes a form, imported when it is first needed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigError(
            f"the serializer {extra!r} needs the package {module}: pip install 'sqlqueue-jobs[{extra}]'"
        ) from None


def _to_yaml(value: Any) -> str:
    written: str = _library("yaml", "yaml").safe_dump(plain(value), allow_unicode=True, sort_keys=False)
    return written


def _from_yaml(text: str) -> Any:
    return revived(_library("yaml", "yaml").safe_load(text))


def _to_msgpack(value: Any) -> bytes:
    try:
        written: bytes = _library("msgpack", "msgpack").packb(plain(value, keep=(bytes,)), use_bin_type=True)
    except OverflowError:
        raise EncodingError("an integer of more than 64 bits, which msgpack cannot hold: pass a string") from None
    return written


def _from_msgpack(data: bytes) -> Any:
    return revived(_library("msgpack", "msgpack").unpackb(data, raw=False, strict_map_key=False))


_JSON = Serializer("json", "application/json", lambda value: json.encode(value, "it"), json.decode)

_BUILTIN = (
    _JSON,
    Serializer("yaml", "application/x-yaml", _to_yaml, _from_yaml),
    Serializer("msgpack", "application/x-msgpack", _to_msgpack, _from_msgpack),
    Serializer(
        "pickle", "application/x-python-serialize",  # only where the sender names it and the reader accepts it
        lambda value: pickle.dumps(value, 4), pickle.loads,
    ),
)  # fmt: skip

_ELSEWHERE: list[Callable[[str], Serializer | None]] = []

_INSTEAD = {"auth": "jobs are signed whatever their form: set task_signing_keys, see docs/signing.md"}
"""Serializers that somebody may expect, and what to use."""

_NAMED = {one.name: one for one in _BUILTIN}
_TYPED = {one.content_type: one for one in _BUILTIN}


def register_serializer(
    name: str, encode: Callable[[Any], str | bytes], decode: Callable[[Any], Any], content_type: str
) -> None:
    """Add a serializer of your own, in every process that sends or runs such jobs; a second time it is replaced.

    Parameters
    ----------
    name: what the options ``serializer=``, ``task_serializer`` and ``accept_content`` call it.
    encode: given one argument, or a result; returns text or bytes.
    decode: given what ``encode`` has returned.
    content_type: what rows call it, such as ``application/x-sealed``.

    Raises
    ------
    ConfigError: one of our own has the name or the content type, or another of yours the content type.
    """
    _check(name, encode, decode, content_type)
    other = _TYPED.get(content_type)
    if _NAMED.get(name) in _BUILTIN or other in _BUILTIN or (other is not None and other.name != name):
        taken = name if _NAMED.get(name) in _BUILTIN else content_type
        raise ConfigError(f"there is a serializer {taken!r} already: give yours another name and content type")
    if (before := _NAMED.get(name)) is not None:
        del _TYPED[before.content_type]
    _NAMED[name] = _TYPED[content_type] = Serializer(name, content_type, encode, decode)


def _check(name: Any, encode: Any, decode: Any, content_type: Any) -> None:
    for what, value in (("a name", name), ("a content type", content_type)):
        if not isinstance(value, str) or not value or not value.isprintable():
            raise ConfigError(f"register_serializer was given {value!r} as {what}: use a string")
    if not callable(encode) or not callable(decode):
        raise ConfigError(
            f"the serializer {name!r} needs two functions: encode(value), and decode of what that returns"
        )


def look_elsewhere(find: Callable[[str], Serializer | None]) -> None:
    """Ask ``find`` too for what is not registered here: it is given a name or a content type."""
    _ELSEWHERE.append(find)


def _found(name: object) -> Serializer | None:
    if not isinstance(name, str):
        return None
    found = _NAMED.get(name) or _TYPED.get(name)
    return found or next((other for find in _ELSEWHERE if (other := find(name)) is not None), None)


def serializer_named(name: object) -> Serializer:
    """Return the serializer of that name or content type; raises ConfigError, with the nearest name, for none."""
    found = _found(name)
    if found is None:
        near = difflib.get_close_matches(str(name), _NAMED, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(sorted(_NAMED))}, or register yours"
        raise ConfigError(f"there is no serializer {name!r}: {_INSTEAD.get(str(name), hint)}")
    return found


def serializer_of(content_type: object) -> Serializer | None:
    """Return the serializer whose content type that is, None when it is not known here."""
    found = _found(content_type)
    return found if found is not None and found.content_type == content_type else None

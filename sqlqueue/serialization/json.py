"""Strict JSON: what goes in comes out on both databases, or is refused with the path to the bad value.

Python's own encoder writes NaN, NUL characters and lone surrogates that PostgreSQL refuses or SQLite cuts
silently, and turns keys that are not strings into strings. All of that is found here, before any SQL.
"""

from __future__ import annotations

import json
from typing import Any

from sqlqueue.errors import EncodingError

MAX_BYTES = 1 << 20
"""Largest encoded value, bytes: a job is a message, not a file; pass a path or a key instead."""

MAX_VALUES = MAX_BYTES // 2
"""Most values in all: each takes two bytes at least; a list that holds one list many times over is stopped here."""

MAX_DEPTH = 64
"""Deepest nesting: far below where either database's parser gives up."""

_encoder = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"), check_circular=False)
_SMALL = (1 << 63) - 1

Json = Any
"""None, bool, int, float, str, list and dict with string keys, nested."""


def encode(value: Json, what: str = "value") -> str:
    """Return ``value`` as JSON text.

    Parameters
    ----------
    value: None, bool, int, finite float, str, list, tuple (stored as an array) or dict with string keys.
    what: how messages name the value, for instance ``args``.

    Raises
    ------
    EncodingError: it could not be stored, or is larger than 1 MiB; the message names the path.
    """
    kind = type(value)
    if value is None:
        return "null"
    if kind is int and -_SMALL < value < _SMALL:
        return str(value)
    _check(value, what, 0, [MAX_VALUES])
    text = _encoder.encode(value)
    if len(text) * 4 > MAX_BYTES and len(text.encode()) > MAX_BYTES:
        size = f"{what} is {len(text.encode()):,} bytes as JSON, more than {MAX_BYTES:,}"
        message = f"{size}: pass a file path or a key instead"
        raise EncodingError(message)
    return text


_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def decode(text: str) -> Json:
    """Return the value of a JSON text; raises ValueError when it is none.

    Text that we wrote has no blanks around it, so the scanner can be called without looking for them.
    """
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        return json.loads(text)
    return value if end == len(text) else json.loads(text)


def _check(value: Json, path: str, depth: int, left: list[int]) -> None:
    """Raise EncodingError for the first part of ``value`` that could not be stored."""
    if depth > MAX_DEPTH:
        raise EncodingError(f"{_short(path)} is nested deeper than {MAX_DEPTH} levels (or contains itself)")
    match value:
        case None | bool():
            pass
        case str():
            _check_text(value, path)
        case int():
            _check_integer(value, path)
        case float():
            if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
                raise EncodingError(f"{path} is {value}, which JSON cannot hold: pass None or a string")
        case list() | tuple():
            _spend(len(value), path, left)
            for index, item in enumerate(value):
                _check(item, f"{path}[{index}]", depth + 1, left)
        case dict():
            _spend(len(value), path, left)
            for key, item in value.items():
                _check_key(key, path)
                _check(item, f"{path}.{key}", depth + 1, left)
        case _:
            raise EncodingError(
                f"{path} is of type {type(value).__qualname__}, which JSON cannot hold: {_advice(value)}"
            )


def _spend(values: int, path: str, left: list[int]) -> None:
    left[0] -= values
    if left[0] < 0:
        raise EncodingError(f"{_short(path)} holds too many values: pass a file path or a key instead")


def _check_text(value: str, path: str) -> None:
    if "\0" in value:
        raise EncodingError(f"{path} contains a NUL character, which the database cannot store: remove it")
    try:
        value.encode()
    except UnicodeEncodeError:
        message = f"{path} contains a lone surrogate, which is no valid Unicode: decode it with errors='replace'"
        raise EncodingError(message) from None


def _check_integer(value: int, path: str) -> None:
    try:
        str(value)
    except ValueError:
        raise EncodingError(f"{path} is an integer of too many digits: pass a string") from None


def _check_key(key: object, path: str) -> None:
    if not isinstance(key, str):
        message = f"{path} has the key {key!r} of type {type(key).__qualname__}; JSON keys are strings: pass str(key)"
        raise EncodingError(message)
    _check_text(key, f"a key of {path}")


def _advice(value: object) -> str:
    """Name what to pass instead."""
    match value:
        case bytes() | bytearray():
            return "pass base64 text"
        case set() | frozenset():
            return "pass a sorted list"
        case _ if hasattr(value, "isoformat"):
            return "pass .isoformat()"
        case _:
            return "pass its id or a dict of plain values"


def _short(path: str) -> str:
    return path if len(path) <= 80 else f"{path[:40]}...{path[-37:]}"  # noqa: PLR2004 - a line of text

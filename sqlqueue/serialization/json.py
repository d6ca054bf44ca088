"""Strict JSON: what goes in comes out on both databases, or is refused with the path to the bad value.

What JSON has no word for is described in it by ``typed``; plain values, nearly all there is, never go there.

Python's own encoder writes NaN, NUL characters and lone surrogates that PostgreSQL refuses or SQLite cuts
silently, and turns keys that are not strings into strings. All of that is found here, before any SQL.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.sizes import USUAL
from sqlqueue.errors import EncodingError
from sqlqueue.serialization.sizes import TooLarge, too_large
from sqlqueue.serialization.typed import (
    MAX_DEPTH,
    NOT_TYPED,
    described,
    looks_tagged,
    no_form,
    replaced,
    revived,
    shortened,
)

if TYPE_CHECKING:
    from sqlqueue.serialization.typed import Opener

_encoder = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"), check_circular=False)
_make_encoder = getattr(json.encoder, "c_make_encoder", None)  # `_encoder` calls it for every value anew
_chunks = _make_encoder and _make_encoder(
    None, _encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, False
)
_SMALL = (1 << 63) - 1

Json = Any
"""None, bool, int, float, str, list and dict with string keys, nested."""


def encode(value: Json, what: str = "value", limit: int = USUAL) -> str:
    """Return ``value`` as JSON text.

    Parameters
    ----------
    value: None, bool, int, finite float, str, list, tuple (stored as an array), dict with string keys, and what
    ``typed`` describes.
    what: how messages name the value, for instance ``args``.
    limit: bytes that it may be.

    Raises
    ------
    EncodingError: it could not be stored, or, as `TooLarge`, is larger than that; the message names the path.
    """
    kind = type(value)
    if value is None:
        return "null"
    if kind is int and -_SMALL < value < _SMALL:
        return str(value)
    if kind is dict and not value:
        return "{}"
    left = [limit // 2, 0, limit]  # each value takes two bytes: a list that holds one list many times over is stopped
    _check(value, what, 0, left)
    plain = replaced(value) if left[_TYPED] else value
    text = "".join(_chunks(plain, 0)) if _chunks else _encoder.encode(plain)
    if len(text) * 4 > limit and (size := len(text.encode())) > limit:
        raise too_large(what, size, "JSON", limit, _members(value, plain, what))
    return text


def _members(value: Json, plain: Json, what: str) -> list[tuple[str, int]]:
    """Return the paths of what is in a list or a dict, and the bytes of each."""
    if isinstance(value, dict) and not looks_tagged(value):
        return [(f"{what}.{key}", len(_encoder.encode(item).encode())) for key, item in plain.items()]
    if isinstance(value, list | tuple):
        return [(f"{what}[{index}]", len(_encoder.encode(item).encode())) for index, item in enumerate(plain)]
    return []


_TYPED = 1
"""Place, beside the values that are left, of the number of those that need describing; the limit is next."""

_TAGGED = '"$'
"""What stands in every text that has a tag; its second character alone is found much quicker."""

_MARK = "$"

_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def decode(text: str, opened: Opener | None = None) -> Json:
    """Return the value of a JSON text; raises ValueError when it is none.

    Text that we wrote has no blanks around it, so the scanner can be called without looking for them.

    Parameters
    ----------
    opened: returns the value of what another serializer has written in it; None leaves that as it is.
    """
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        value, end = None, -1
    if end != len(text):
        value = json.loads(text)
    return revived(value, opened) if _MARK in text and _TAGGED in text else value


def _check(value: Json, path: str, depth: int, left: list[int]) -> None:
    """Raise EncodingError for the first part of ``value`` that could not be stored."""
    if depth > MAX_DEPTH:
        raise EncodingError(f"{shortened(path)} is nested deeper than {MAX_DEPTH} levels (or contains itself)")
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
                if depth < MAX_DEPTH and _is_plain(item):
                    continue
                _check(item, f"{path}[{index}]", depth + 1, left)
        case dict():
            _spend(len(value), path, left)
            for key, item in value.items():
                _check_key(key, path)
                if depth < MAX_DEPTH and _is_plain(item):
                    continue
                _check(item, f"{path}.{key}", depth + 1, left)
            if len(value) == 1 and key[:1] == _MARK:
                left[_TYPED] += 1
        case _:
            _check_typed(value, path, depth, left)


def _is_plain(value: Json) -> bool:
    """Tell of what most arguments are, at once, that nothing is wrong with it; False: look closer."""
    kind = type(value)
    if kind is str:
        return value.isascii() and "\0" not in value
    return (kind is int and -_SMALL < value < _SMALL) or kind is bool or value is None


def _check_typed(value: Json, path: str, depth: int, left: list[int]) -> None:
    found = described(value, path)
    if found is NOT_TYPED:
        raise EncodingError(f"{path} {no_form(value)}")
    left[_TYPED] += 1
    _check(found, path, depth + 1, left)


def _spend(values: int, path: str, left: list[int]) -> None:
    left[0] -= values
    if left[0] < 0:
        limit = left[_TYPED + 1]
        raise TooLarge(f"{shortened(path)} holds too many values, more than fit in {limit:,} bytes", limit)


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

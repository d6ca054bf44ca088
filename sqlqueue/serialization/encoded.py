r"""What another serializer than JSON has written, as one object in a JSON column.

::

    {"$encoded": {"content_type": "application/x-yaml", "content_encoding": "utf-8", "data": "x: 1\n"}}

Each argument is one such object in its place, so ``args`` stays an array and ``kwargs`` an object that SQL can read,
and the database can put a parent's result before them. ``data`` is base64 where ``content_encoding`` is ``binary``.
"""

from __future__ import annotations

import base64
import json as standard
from typing import TYPE_CHECKING, Any

from sqlqueue.errors import EncodingError
from sqlqueue.serialization import json
from sqlqueue.serialization.serializers import serializer_named, serializer_of
from sqlqueue.serialization.typed import ENCODED, ESCAPE, looks_tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlqueue.serialization.serializers import Serializer

    Write = Callable[[Any, str], str]

TEXT, BINARY = "utf-8", "binary"


class Writer:
    """Writes values as one serializer does; called as `json.encode` is.

    Parameters
    ----------
    several: the members of a list or a dict are written each by itself, as arguments are.
    """

    def __init__(self, serializer: Serializer, *, several: bool) -> None:
        self._serializer = serializer
        self._several = several

    def __call__(self, value: Any, what: str) -> str:
        """Return ``value`` as JSON text; raises EncodingError, naming what could not be written."""
        if value is None:
            return "null"
        if not self._several:
            text = self._one(value, what)
        elif isinstance(value, dict):
            text = self._named(value, what)
        else:
            text = "[" + ",".join([self._one(item, f"{what}[{place}]") for place, item in enumerate(value)]) + "]"
        if len(text) > json.MAX_BYTES:
            size = f"{what} is {len(text):,} bytes as {self._serializer.name}, more than {json.MAX_BYTES:,}"
            raise EncodingError(f"{size}: pass a file path or a key instead")
        return text

    def _named(self, value: dict[str, Any], what: str) -> str:
        found = [f"{json.encode(key, what)}:{self._one(item, f'{what}.{key}')}" for key, item in value.items()]
        text = "{" + ",".join(found) + "}"
        return f'{{"{ESCAPE}":{text}}}' if looks_tagged(value) else text

    def _one(self, value: Any, what: str) -> str:
        if value is None:
            return "null"
        try:
            found = self._serializer.encode(value)
        except Exception as error:
            raise EncodingError(f"{what} cannot be written as {self._serializer.name}: {error}") from error
        if type(found) not in (str, bytes):  # what somebody has registered
            kind = type(found).__name__
            raise EncodingError(f"the serializer {self._serializer.name!r} made {kind} of {what}: return text or bytes")
        text, data = (TEXT, found) if isinstance(found, str) else (BINARY, base64.b64encode(found).decode())
        head = f'"content_type":{json.encode(self._serializer.content_type)},"content_encoding":"{text}"'
        return f'{{"{ENCODED}":{{{head},"data":{json.encode(data, what)}}}}}'


def writer(name: object, *, several: bool) -> Write:
    """Return what writes values as the serializer of that name does; for JSON that is `json.encode` itself.

    Raises
    ------
    ConfigError: there is none of that name.
    """
    found = serializer_named(name)
    if found.name == "json":
        return json.encode
    return Writer(found, several=several)


def opened(content: Any, accepted: Collection[str], setting: str) -> Any:
    """Return the value that a serializer has written.

    Parameters
    ----------
    content: what is under the tag.
    accepted: names and content types of serializers that may be read; JSON always may.
    setting: the name of the setting that says so.

    Raises
    ------
    EncodingError: the content is refused, unknown here or damaged; the message names what to change.
    """
    content_type, data = _parts(content)
    serializer = serializer_of(content_type)
    if serializer is None:
        raise EncodingError(
            f"a value is of content type {content_type!r}, which is not known here: register_serializer() it in this"
            f" process too, and name it in {setting}"
        )
    if serializer.name != "json" and serializer.name not in accepted and content_type not in accepted:
        raise EncodingError(
            f"a value was written by {serializer.name}, which {setting} does not list: add {serializer.name!r} to"
            f" {setting}, if you trust everybody who can write to this database"
        )
    try:
        return serializer.decode(data)
    except Exception as error:
        raise EncodingError(f"a value that {serializer.name} has written cannot be read: {error!r}") from error


def _parts(content: Any) -> tuple[Any, str | bytes]:
    """Return the content type and what the serializer had returned."""
    try:
        data = content["data"]
        if content["content_encoding"] == BINARY:
            data = base64.b64decode(data, validate=True)
        return content["content_type"], data
    except (KeyError, TypeError, ValueError) as error:
        shown = standard.dumps(content)[:80]
        raise EncodingError(f"a value is said to be encoded, and is not: {shown} ({error!r})") from None


def shown(text: str) -> str:
    """Return a column's JSON text for people to read: what is not text is named by its form and its size."""
    if ENCODED not in text:
        return text
    return standard.dumps(_readable(standard.loads(text)), ensure_ascii=False)


def _readable(value: Any) -> Any:
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {ENCODED}:
        return {key: _readable(item) for key, item in value.items()}
    content = value[ENCODED]
    if not isinstance(content, dict) or not isinstance(content.get("data"), str):
        return value
    if content.get("content_encoding") == TEXT:
        return content["data"]
    serializer = serializer_of(content.get("content_type"))
    name = serializer.name if serializer is not None else content.get("content_type")
    return f"<{name}, {len(content['data']) * 3 // 4} bytes>"

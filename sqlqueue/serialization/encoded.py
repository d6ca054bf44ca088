r"""What another serializer than JSON has written, as one object in a JSON column.

::

    {"$encoded": {"content_type": "application/x-yaml", "content_encoding": "utf-8", "data": "x: 1\n"}}

Each argument is one such object in its place, so ``args`` stays an array and ``kwargs`` an object that SQL can read,
and the database can put a parent's result before them. ``data`` is base64 where ``content_encoding`` is ``binary``, or
where ``compression`` names how it was made smaller.
"""

from __future__ import annotations

import base64
import json as standard
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.sizes import MOST, USUAL
from sqlqueue.errors import EncodingError
from sqlqueue.serialization import json
from sqlqueue.serialization.compression import LEAST, compression_named, decompressed
from sqlqueue.serialization.serializers import serializer_named, serializer_of
from sqlqueue.serialization.sizes import too_large
from sqlqueue.serialization.typed import ENCODED, ESCAPE, Unwritable, looks_tagged

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Protocol

    from sqlqueue.serialization.compression import Compression
    from sqlqueue.serialization.serializers import Serializer

    class Write(Protocol):
        """Writes a value, which messages name so, in at most so many bytes."""

        def __call__(self, value: Any, what: str, limit: int = ..., /) -> str:
            """Return JSON text."""


TEXT, BINARY = "utf-8", "binary"


class Writer:
    """Writes values as one serializer does; called as `json.encode` is.

    Parameters
    ----------
    several: the members of a list or a dict are written each by itself, as arguments are.
    compression: makes what is large smaller; JSON that is not large stays as it is.
    """

    def __init__(self, serializer: Serializer, compression: Compression | None, *, several: bool) -> None:
        self._serializer = serializer
        self._compression = compression
        self._several = several

    def __call__(self, value: Any, what: str, limit: int = USUAL) -> str:
        """Return ``value`` as JSON text; raises EncodingError, naming what could not be written.

        Parameters
        ----------
        limit: bytes that it may be, compressed and all.
        """
        if value is None:
            return "null"
        parts = self._parts(value, what)
        text = self._joined(value, what, [part for _, part in parts]) if self._several else parts[0][1]
        if len(text) * 4 > limit and (size := len(text.encode())) > limit:
            members = [(path, len(part.encode())) for path, part in parts] if self._several else ()
            raise too_large(what, size, self._serializer.name, limit, members)
        return text

    def _parts(self, value: Any, what: str) -> list[tuple[str, str]]:
        """Return the paths of what is written each by itself, and the texts."""
        if not self._several:
            return [(what, self._one(value, what))]
        if isinstance(value, dict):
            return [(path := f"{what}.{key}", self._one(item, path)) for key, item in value.items()]
        return [(path := f"{what}[{place}]", self._one(item, path)) for place, item in enumerate(value)]

    @staticmethod
    def _joined(value: Any, what: str, texts: list[str]) -> str:
        if not isinstance(value, dict):
            return f"[{','.join(texts)}]"
        named = ",".join([f"{json.encode(key, what)}:{one}" for key, one in zip(value, texts, strict=True)])
        return f'{{"{ESCAPE}":{{{named}}}}}' if looks_tagged(value) else f"{{{named}}}"

    def _one(self, value: Any, what: str) -> str:
        if value is None:
            return "null"
        if self._serializer.name == "json":
            return self._json(value, what)
        try:
            found = self._serializer.encode(value)
        except Unwritable as error:
            raise EncodingError(f"{what}{error}") from None
        except Exception as error:
            raise EncodingError(f"{what} cannot be written as {self._serializer.name}: {error}") from error
        if type(found) not in (str, bytes):  # what somebody has registered
            kind = type(found).__name__
            raise EncodingError(f"the serializer {self._serializer.name!r} made {kind} of {what}: return text or bytes")
        if (small := self._compressed(found, what)) is not None:
            return small
        encoding, data = (TEXT, found) if isinstance(found, str) else (BINARY, base64.b64encode(found).decode())
        return self._tagged(f'"content_encoding":"{encoding}","data":{json.encode(data, what, 2 * MOST)}')

    def _json(self, value: Any, what: str) -> str:
        """Return JSON as it is, or compressed if that is worth it."""
        text = json.encode(value, what, MOST)
        return self._compressed(text, what) or text

    def _compressed(self, found: str | bytes, what: str) -> str | None:
        """Return the tagged object with its compressed data, None where that is not smaller, or not asked for."""
        if self._compression is None or len(found) < LEAST:
            return None
        raw, encoding = (found.encode(), TEXT) if isinstance(found, str) else (found, BINARY)
        if len(raw) > MOST:  # nobody would read it
            raise too_large(what, len(raw), f"{self._serializer.name} before it is compressed", MOST)
        data = base64.b64encode(self._compression.compress(raw)).decode()
        if len(data) >= len(raw):
            return None
        return self._tagged(f'"content_encoding":"{encoding}","compression":"{self._compression.name}","data":"{data}"')

    def _tagged(self, rest: str) -> str:
        return f'{{"{ENCODED}":{{"content_type":{json.encode(self._serializer.content_type)},{rest}}}}}'


def writer(name: object, compression: object = None, *, several: bool) -> Write:
    """Return what writes values as the serializer of that name does; for plain JSON that is `json.encode` itself.

    Parameters
    ----------
    compression: the name of one; None: values stay as they are.

    Raises
    ------
    ConfigError: there is none of that name.
    """
    if name == "json" and not compression:  # nearly always
        return json.encode
    found = serializer_named(name)
    if found.name == "json" and not compression:
        return json.encode
    return Writer(found, compression_named(compression) if compression else None, several=several)


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
        data, encoding, compression = content["data"], content["content_encoding"], content.get("compression")
        if encoding == BINARY or compression is not None:
            data = base64.b64decode(data, validate=True)
        content_type = content["content_type"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        shown = standard.dumps(content)[:80]
        raise EncodingError(f"a value is said to be encoded, and is not: {shown} ({error!r})") from None
    if compression is not None:
        data = decompressed(data, compression)
        data = data if encoding == BINARY else data.decode(errors="replace")
    return content_type, data


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
    compression = content.get("compression")
    if content.get("content_encoding") == TEXT and compression is None:
        return content["data"]
    serializer = serializer_of(content.get("content_type"))
    name = serializer.name if serializer is not None else content.get("content_type")
    if compression is not None:
        name = f"{name}, {compression}"
    return f"<{name}, {len(content['data']) * 3 // 4} bytes>"

"""Smaller forms of what a serializer has written: by the standard library's compressors, under Celery's names.

Next room: ``encoded``, which asks whether it is worth it.
"""

from __future__ import annotations

import bz2
import difflib
import lzma
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.domain.sizes import MOST
from sqlqueue.errors import ConfigError, EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 1024
"""Bytes below which nothing is compressed: it would hardly be smaller, and SQL could not read it any more."""


class Compression(NamedTuple):
    """One way to compress; ``reader`` makes what reads one value."""

    name: str
    compress: Callable[[bytes], bytes]
    reader: Callable[[], Any]


_ZLIB = Compression("gzip", zlib.compress, zlib.decompressobj)  # Celery's gzip is zlib's form too
_BZIP2 = Compression("bzip2", bz2.compress, bz2.BZ2Decompressor)
_LZMA = Compression("lzma", lzma.compress, lzma.LZMADecompressor)
_NAMED = {
    "gzip": _ZLIB, "zlib": _ZLIB, "bzip2": _BZIP2, "bzip": _BZIP2, "bz2": _BZIP2, "lzma": _LZMA, "xz": _LZMA,
}  # fmt: skip


def compression_named(name: object) -> Compression:
    """Return the compression of that name; raises ConfigError, with the nearest name, for none."""
    found = _NAMED.get(name) if isinstance(name, str) else None
    if found is None:
        near = difflib.get_close_matches(str(name), _NAMED, n=1)
        raise ConfigError(
            f"there is no compression {name!r}: "
            + (f"did you mean {near[0]!r}?" if near else "use gzip, bzip2 or lzma")
        )
    return found


def decompressed(data: bytes, name: object) -> bytes:
    """Return what was compressed.

    Raises
    ------
    EncodingError: nobody knows that compression, the data is damaged, or more than 64 MiB would come of it.
    """
    try:
        found = compression_named(name)
    except ConfigError as error:
        raise EncodingError(f"a value is compressed, and {error}") from None
    reader = found.reader()
    try:
        whole: bytes = reader.decompress(data, MOST + 1)
    except (zlib.error, OSError, lzma.LZMAError, ValueError) as error:
        raise EncodingError(f"a value that {found.name} has compressed cannot be read: {error!r}") from error
    if len(whole) > MOST:
        raise EncodingError(f"a value that {found.name} has compressed is more than {MOST:,} bytes: it is not read")
    if not reader.eof:
        raise EncodingError(f"a value that {found.name} has compressed is cut off")
    return whole

"""Bytes through pipes: frames of four bytes of length and a payload, and a writer that never blocks.

Next room: ``wire``, which says what the payloads mean.
"""

from __future__ import annotations

import os
import struct
from collections import deque

_LENGTH = struct.Struct("=I")

CHUNK = 1 << 16
"""Bytes asked for in one read: what a pipe holds on Linux."""
MOST = 64
"""Chunks read at a time, so that nobody who writes without end is listened to without end."""


def frame(payload: bytes) -> bytes:
    """Put the length before the payload."""
    return _LENGTH.pack(len(payload)) + payload


class Frames:
    """Cuts a stream into payloads; an incomplete frame waits for the rest of it."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytearray]:
        """Take the next bytes of the stream and return the payloads that are complete now."""
        buffer = self._buffer
        buffer += data
        payloads: list[bytearray] = []
        at, end = 0, len(buffer)
        while end - at >= _LENGTH.size:
            start = at + _LENGTH.size
            after = start + _LENGTH.unpack_from(buffer, at)[0]
            if after > end:
                break
            payloads.append(buffer[start:after])
            at = after
        del buffer[:at]
        return payloads


class Outlet:
    """The writing end of a pipe: writes what fits and keeps the rest until there is room.

    When the reader is gone, what was to be written is dropped: whoever waits for the reader's death learns
    it there.
    """

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._rest: deque[memoryview] = deque()

    @property
    def full(self) -> bool:
        """Whether something waits for room in the pipe."""
        return bool(self._rest)

    def write(self, data: bytes) -> None:
        """Write ``data``, or as much as fits now."""
        self._rest.append(memoryview(data))
        self.flush()

    def flush(self) -> None:
        """Write what waited, as much as fits now."""
        rest = self._rest
        try:
            while rest:
                sent = os.write(self.fd, rest[0])
                if sent < len(rest[0]):
                    rest[0] = rest[0][sent:]
                else:
                    rest.popleft()
        except BlockingIOError:
            return
        except BrokenPipeError:
            rest.clear()


def read_available(fd: int) -> tuple[bytes, bool]:
    """Read what is in a non-blocking pipe; the second value tells whether its end has been reached."""
    chunks = []
    try:
        for _ in range(MOST):
            chunks.append(os.read(fd, CHUNK))
            if not chunks[-1]:
                return b"".join(chunks), True
    except BlockingIOError:
        pass
    return b"".join(chunks), False


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write everything to a blocking pipe."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]

"""Hears of writes to a file from the kernel, where it tells (Linux: inotify), so that nobody need look all day.

The kernel tells of every write as it happens, which for a database is a moment before its commit: look then.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
from pathlib import Path

IN_MODIFY = 0x00000002
IN_CREATE = 0x00000100
IN_MOVED_TO = 0x00000080
"""Bits of inotify(7)."""

_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows


class Changes:
    """Writes to one file.

    Parameters
    ----------
    path: the file; it need not be there yet. Its folder is watched, since the file may be made anew.
    """

    def __init__(self, path: str) -> None:
        file = Path(path)
        self._name = os.fsencode(file.name)
        self._fd = _libc("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mask = IN_MODIFY | IN_CREATE | IN_MOVED_TO
            _libc("inotify_add_watch", self._fd, os.fsencode(file.parent), ctypes.c_uint32(mask))
        except OSError:
            os.close(self._fd)
            raise

    def wait(self, seconds: float, cut_short: int) -> bool:
        """Wait for a write, or until the descriptor ``cut_short`` can be read; return whether there was one."""
        ready, _, _ = select.select([self._fd, cut_short], [], [], seconds)
        return self._fd in ready and self._happened()

    def _happened(self) -> bool:
        """Read all that was told, and return whether any of it was about our file."""
        found = False
        try:
            while data := os.read(self._fd, 1 << 16):
                found = found or self._names_ours(data)
        except BlockingIOError:
            pass
        return found

    def _names_ours(self, data: bytes) -> bool:
        at = 0
        while at < len(data):
            *_, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            if not length or name == self._name:  # no name: the kernel's queue ran over
                return True
        return False

    def close(self) -> None:
        """Hear no more."""
        os.close(self._fd)


def changes_of(path: str) -> Changes | None:
    """Return the changes of a file, None where the kernel does not tell."""
    if sys.platform != "linux":
        return None
    try:
        return Changes(path)
    except (OSError, AttributeError):  # too many watches, or a C library without inotify
        return None


def _libc(name: str, *arguments: object) -> int:
    """Call a function of the C library; raise OSError when it fails."""
    found: int = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found

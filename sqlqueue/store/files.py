"""A SQLite database as a file: why it cannot be opened, and who holds its write lock (as far as Linux tells)."""

from __future__ import annotations

import os
from pathlib import Path

WAL_WRITE_LOCK = 120
"""Byte of the ``-shm`` file that the one writer locks; sqlite.org/walformat.html, section 2.2.2."""


def holds_write_lock(path: str, pid: int) -> bool:
    """Tell whether process ``pid`` holds the write lock of the SQLite database ``path``.

    False where it cannot be known. A lock on the database file itself counts too: without WAL that is the lock.
    """
    table = Path("/proc/locks")
    if not table.exists():
        return False
    places = {_inode(f"{path}-shm"): WAL_WRITE_LOCK, _inode(path): None}
    for line in table.read_text().splitlines():
        words = line.split()
        if len(words) < 8 or words[1] != "POSIX" or words[3] != "WRITE" or words[4] != str(pid):  # noqa: PLR2004
            continue
        inode, start = int(words[5].rpartition(":")[2]), int(words[6])
        if inode in places and places[inode] in (None, start):
            return True
    return False


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - no Path needed for one number
    except OSError:
        return -1


def why_unopenable(path: str, error: Exception) -> str:
    """Say which of the usual reasons it is that a database file cannot be opened."""
    file = Path(path)
    if not file.parent.is_dir():
        return f"cannot open {file}: there is no folder {file.parent}; make it, or correct the path"
    if not os.access(file.parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        return f"cannot write {file}: give this user write permission to the file and to its folder"
    return f"cannot open {file}: {error}"

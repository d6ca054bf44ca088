"""Memory shared by the parent and its children: what a child does now, and what it has done but not sent.

It outlives the child, so a death loses no outcome: a finished job is never taken for a crashed or an
unstarted one.
"""

from __future__ import annotations

import mmap
import os
import tempfile

SEAT = 1 << 14
"""Bytes for one child; a page is touched only when it is written."""
_HEADER = 64
STASH = SEAT - _HEADER
"""Bytes of outcomes that a child gathers before it sends them."""

_NUMBER, _STARTED, _STASHED, _FLUSHES, _WARNED, _DOOMED = range(6)


def shared_file(seats: int, settings: str) -> int:
    """Return the descriptor of a file without a name, for what is not handed down by a fork: a board, then settings."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("sqlqueue")
    else:
        with tempfile.TemporaryFile() as unnamed:
            file = os.dup(unnamed.fileno())
    os.ftruncate(file, seats * SEAT)
    os.lseek(file, seats * SEAT, os.SEEK_SET)
    with open(file, "w", encoding="utf-8", closefd=False) as behind:
        behind.write(settings)
    return file


def settings_in(file: int, seats: int) -> str:
    """Return the text behind the board of that many seats."""
    size = os.fstat(file).st_size - seats * SEAT
    return os.pread(file, size, seats * SEAT).decode()


class Board:
    """The memory of all seats, made before the fork server, which hands it down to the children.

    Parameters
    ----------
    file: where it is kept, for children that are fresh interpreters; -1: nowhere.
    """

    def __init__(self, seats: int, file: int = -1) -> None:
        memory = memoryview(mmap.mmap(file, seats * SEAT))
        self.seats = [Seat(memory[at : at + SEAT]) for at in range(0, seats * SEAT, SEAT)]


class Seat:
    """One child's part; every value is one aligned machine word.

    The child writes and the parent reads, except ``warned`` and ``doomed``: these the parent writes.
    """

    def __init__(self, memory: memoryview) -> None:
        self._words = memory[:_HEADER].cast("Q")
        self._moments = memory[:_HEADER].cast("d")
        self._stash = memory[_HEADER:]

    def clear(self) -> None:
        """Make the seat ready for the next child."""
        for word in range(_DOOMED + 1):
            self._words[word] = 0

    @property
    def number(self) -> int:
        """The number of the job started last; 0 while the child has nothing to do."""
        return self._words[_NUMBER]

    @property
    def started(self) -> float:
        """When that job started, monotonic."""
        return self._moments[_STARTED]

    def begin(self, number: int, now: float) -> None:
        """Write down which job starts; called before any of its code runs."""
        self._moments[_STARTED] = now
        self._words[_NUMBER] = number

    def idle(self) -> None:
        """Write down that no job runs."""
        self._words[_NUMBER] = 0

    @property
    def warned(self) -> int:
        """The number of the job whose soft limit is over."""
        return self._words[_WARNED]

    @warned.setter
    def warned(self, number: int) -> None:
        self._words[_WARNED] = number

    @property
    def doomed(self) -> int:
        """The number of the job that the child is killed for; it must start no other while this is set."""
        return self._words[_DOOMED]

    @doomed.setter
    def doomed(self, number: int) -> None:
        self._words[_DOOMED] = number

    @property
    def stashed(self) -> int:
        """How many bytes the stash holds."""
        return self._words[_STASHED]

    def append(self, data: bytes) -> None:
        """Add to the stash; the length moves last, so that a death between leaves the stash as it was."""
        at = self._words[_STASHED]
        self._stash[at : at + len(data)] = data
        self._words[_STASHED] = at + len(data)

    def stash(self) -> memoryview:
        """Return what the stash holds, as a view of it."""
        return self._stash[: self._words[_STASHED]]

    def flushed(self) -> None:
        """Empty the stash; the counter tells the parent that what it copied meanwhile may be torn."""
        self._words[_FLUSHES] += 1
        self._words[_STASHED] = 0

    def peek(self) -> bytes:
        """Copy the stash from the parent's side; nothing when the child was just emptying it."""
        flushes = self._words[_FLUSHES]
        copy = bytes(self.stash())
        return copy if self._words[_FLUSHES] == flushes else b""

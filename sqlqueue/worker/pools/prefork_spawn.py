"""Children that are fresh interpreters: each runs the worker's command line anew, and is told to be a child.

The fork server forks as ever, and the fork becomes another program. So a child has imported the app itself and inherits
nothing of it: no half-used library, no connection, no framework that does not survive a fork. It starts as slowly as
the app is imported, and shares no memory with its siblings. Next room: ``prefork_child``.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from sqlqueue.worker.pools.prefork_child import Work
from sqlqueue.worker.pools.prefork_memory import Board, settings_in, shared_file
from sqlqueue.worker.pools.prefork_server import DEAF_TO, be_deaf, flush_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.worker.execute import Executor

_INVITED = "SQLQUEUE_POOL_CHILD"

NO_SETTINGS = "{}"


class Spawn:
    """What the fork server does for a child that is to be a fresh interpreter.

    Parameters
    ----------
    command: the program and its arguments; it must call `invitation` early, and accept.
    seats: how many children at a time at most.
    max_tasks: as in `Work`, for the parent, which deals no more jobs than these.
    settings: as text, what the child's settings are to be besides what its import makes them.
    """

    def __init__(
        self, command: list[str], seats: int, max_tasks: int | None = None, settings: str = NO_SETTINGS
    ) -> None:
        self.max_tasks = max_tasks
        self._command = command
        self._file = shared_file(seats, settings)
        self.board = Board(seats, self._file)

    def run(self, seat: int, pipes: Sequence[int]) -> None:
        """Become the program; signals wait until it has said what becomes of them."""
        signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO)
        for file in (*pipes, self._file):
            os.set_inheritable(file, True)
        words = map(str, (seat, len(self.board.seats), self._file, *pipes))
        os.execve(self._command[0], self._command, {**os.environ, _INVITED: " ".join(words)})  # noqa: S606 - our own


class Invitation(NamedTuple):
    """What a fresh interpreter was told: its seat, how many there are, where their memory is, its pipes."""

    seat: int
    seats: int
    file: int
    pipes: tuple[int, ...]

    @property
    def settings(self) -> str:
        """What its settings are to be besides what its import makes them, as text."""
        return settings_in(self.file, self.seats)

    def accept(self, make_executor: Callable[[], Executor], max_tasks: int | None, max_memory: int | None) -> NoReturn:
        """Be a child until the parent wants no more, then end; the app is imported by now."""
        board = Board(self.seats, self.file)
        os.close(self.file)
        Work(make_executor, board, max_tasks, max_memory).run(self.seat, self.pipes)
        flush_streams()
        os._exit(0)


def invitation() -> Invitation | None:
    """Return what this process is invited to, if it was started to be a child; what it starts itself is none."""
    words = os.environ.pop(_INVITED, None)
    if words is None:
        return None
    seat, seats, file, *pipes = map(int, words.split())
    for one in (file, *pipes):
        os.set_inheritable(one, False)
    be_deaf()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF_TO)
    return Invitation(seat, seats, file, tuple(pipes))

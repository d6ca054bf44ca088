"""The fork server: a process with one thread, made before the worker has more, that forks the children.

Forking a process with threads copies locks that nobody will ever release. So the threaded parent asks this
one: a request over a socket carries the child's pipes, the answers are births and deaths. The end of the
socket tells the server that the parent is gone, whatever killed it: it kills the children and ends. Should
the server itself be killed, Linux kills its children with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import traceback
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

    from sqlqueue.worker.pools.prefork_memory import Board

logger = logging.getLogger("sqlqueue.worker")

_REQUEST = struct.Struct("=II")  # key of the child, seat
_NEWS = struct.Struct("=Iqq")  # key of the child, pid, wait status
_BORN = -1
_READY = b"."
_PIPES = 3
_PR_SET_PDEATHSIG = 1
COULD_NOT_FORK = 71 << 8
"""The wait status told for a child that could not be made: exit status 71, EX_OSERR."""

DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
"""What a terminal or an init sends to the whole process group; the parent decides what comes of it."""


class ChildWork(Protocol):
    """What all children of a pool have in common: a fork's in ``prefork_child``, a program's in ``prefork_spawn``."""

    @property
    def board(self) -> Board:
        """The shared memory."""

    @property
    def max_tasks(self) -> int | None:
        """After so many jobs a child is replaced."""

    def run(self, seat: int, pipes: Sequence[int]) -> None:
        """Be a child."""


class News(NamedTuple):
    """A child was born (``status`` is None) or has died."""

    key: int
    pid: int
    status: int | None


class ForkServer:
    """The parent's side.

    Parameters
    ----------
    work: what the children do. The server cannot learn of it later, so all that it needs must exist now.
    """

    def __init__(self, work: ChildWork) -> None:
        self.work = work
        self._socket: socket.socket | None = None
        self._rest = b""
        self.pid = 0

    def start(self, prepare: Callable[[], None]) -> None:
        """Fork the server and wait until it is ready.

        Parameters
        ----------
        prepare: called once in the server, before it forks any child; closes what must not be shared.
        """
        if threading.active_count() > 1:
            names = ", ".join(sorted(thread.name for thread in threading.enumerate()))
            logger.warning("forking while threads run (%s): what they hold locked stays locked in children", names)
        ours, theirs = socket.socketpair()
        flush_streams()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF_TO)
        self.pid = os.fork()
        if not self.pid:
            ours.close()
            _become_server(theirs, self.work, prepare, mask)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        self._socket = ours
        if ours.recv(1) != _READY:
            self.close()
            raise RuntimeError("the fork server could not start; its error is above")
        ours.setblocking(False)

    def fileno(self) -> int:
        """For selectors: readable when there is news."""
        return self._connected().fileno()

    def fork(self, key: int, seat: int, pipes: Sequence[int]) -> None:
        """Ask for a child.

        Raises
        ------
        OSError: the request could not be sent now; BlockingIOError: the server is behind.
        """
        socket.send_fds(self._connected(), [_REQUEST.pack(key, seat)], list(pipes))

    def news(self) -> list[News]:
        """Return what has happened; never waits.

        Raises
        ------
        EOFError: the server is gone.
        """
        try:
            data = self._connected().recv(1 << 14)
        except BlockingIOError:
            return []
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError("the fork server is gone")
        self._rest += data
        whole = len(self._rest) // _NEWS.size * _NEWS.size
        found = [
            News(key, pid, None if status == _BORN else status)
            for key, pid, status in _NEWS.iter_unpack(self._rest[:whole])
        ]
        self._rest = self._rest[whole:]
        return found

    def close(self) -> None:
        """End the server, and with it every child that is left; returns when it is gone."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        with contextlib.suppress(ChildProcessError):  # a worker that is PID 1 reaps whatever it finds
            os.waitpid(self.pid, 0)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise RuntimeError("the fork server is not running; call ForkServer.start() before PreforkPool.start()")
        return self._socket


def _become_server(
    channel: socket.socket, work: ChildWork, prepare: Callable[[], None], mask: Iterable[int]
) -> NoReturn:
    try:
        be_deaf()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        prepare()
        gc.collect()
        gc.freeze()  # what exists now is shared with the children, and their collector must not touch it
        Server(channel, work).run()
    except BaseException:  # noqa: BLE001 - nothing may return into the worker's code
        traceback.print_exc()
    finally:
        flush_streams()
        os._exit(0)


def be_deaf() -> None:
    """Let nothing that is sent to the whole process group end this process."""
    for number in DEAF_TO:
        signal.signal(number, _deaf)


def _deaf(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. Unlike SIG_IGN this is undone by exec: what a task starts can be stopped as usual."""


class Server:
    """The server's side: forks, reaps, tells."""

    def __init__(self, channel: socket.socket, work: ChildWork) -> None:
        self._channel = channel
        self._work = work
        self._children: dict[int, int] = {}  # pid -> key
        self._pid = os.getpid()
        self._libc = ctypes.CDLL(None)
        self._woken, self._wake = os.pipe()
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until the parent is gone."""
        for fd in (self._woken, self._wake):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, _deaf)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._selector.register(self._channel, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        try:
            self._channel.sendall(_READY)
            while self._round():
                pass
        except ConnectionError:  # the parent went while it was told something
            pass
        finally:
            self._end()

    def _round(self) -> bool:
        """Do what there is to do; False when the parent is gone."""
        for key, _ in self._selector.select():
            if key.fileobj is self._channel:
                request, pipes, _, _ = socket.recv_fds(self._channel, _REQUEST.size, _PIPES)
                if not request:
                    return False
                number, seat = _REQUEST.unpack(request)
                self._fork(number, seat, pipes)
            else:
                os.read(self._woken, 1 << 12)
        self._reap()
        return True

    def _fork(self, key: int, seat: int, pipes: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            logger.error("cannot fork: %s", error)  # noqa: TRY400 - the message says it all
            self._channel.sendall(_NEWS.pack(key, 0, COULD_NOT_FORK))
            pid = -1
        if not pid:
            self._become_child(seat, pipes)
        for pipe in pipes:
            os.close(pipe)
        if pid > 0:
            self._children[pid] = key
            self._channel.sendall(_NEWS.pack(key, pid, _BORN))

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            key = self._children.pop(pid, None)
            if key is not None:
                self._channel.sendall(_NEWS.pack(key, pid, status))

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)

    def _become_child(self, seat: int, pipes: list[int]) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if sys.platform == "linux":
                self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            self._selector.close()
            self._channel.close()
            os.close(self._woken)
            os.close(self._wake)
            for pipe in pipes:
                os.set_inheritable(pipe, False)
            if os.getppid() == self._pid:  # else the server was gone before the line above
                self._work.run(seat, pipes)
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may return into the server's code
            traceback.print_exc()
        finally:
            flush_streams()
            os._exit(status)


def flush_streams() -> None:
    """Write out what waits in the standard streams, as far as it can be."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()

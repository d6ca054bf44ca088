"""What concerns the worker as a process: its pid file, going into the background, being process 1, starting over."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, NoReturn

from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1)
"""What process 1 hands on to the worker."""

_DETACHED = "SQLQUEUE_DETACHED"


class PidFile:
    """A file with our pid, there for as long as the block runs.

    Raises
    ------
    ConfigError: another live process has written it, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        owner = _owner(self._path)
        if owner is not None and owner != os.getpid() and lives(owner):
            raise ConfigError(
                f"{self._path} says that process {owner} is this worker: stop it, or use another --pidfile"
            )
        try:
            self._path.write_text(f"{os.getpid()}\n")
        except OSError as error:
            raise ConfigError(f"cannot write the pid file {self._path}: {error.strerror}") from error

    def __exit__(self, *_: object) -> None:
        if _owner(self._path) == os.getpid():
            self._path.unlink()


def living_owner(path: Path) -> int | None:
    """Return the pid in a pid file, if there is a process of that number."""
    owner = _owner(path)
    return owner if owner is not None and lives(owner) else None


def _owner(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def lives(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def detach(output: Path) -> None:
    """Go on in the background, in a session of its own; the process that was started ends here with 0.

    Parameters
    ----------
    output: where stdout and stderr go.
    """
    if os.environ.get(_DETACHED) == str(os.getpid()):
        return  # started over by `start_over`
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise ConfigError(f"cannot write the log file {output}: {error.strerror}") from error
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)  # so that no terminal can become ours
    os.environ[_DETACHED] = str(os.getpid())
    null = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in ((null, 0), (log, 1), (log, 2)):
        os.dup2(theirs, ours)
    os.close(null)
    os.close(log)


def become_init() -> None:
    """As process 1 of a container: return in a child, which is the worker; this process hands on signals and reaps.

    Process 1 inherits every orphan. A worker that reaped them would also reap what its tasks wait for themselves.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, (*FORWARDED, signal.SIGCHLD))
    worker = os.fork()
    if not worker:
        os.setpgid(0, 0)  # or a Ctrl-C would come twice: from the terminal, and handed on
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return
    while True:
        number = signal.sigwait((*FORWARDED, signal.SIGCHLD))
        if number != signal.SIGCHLD:
            os.kill(worker, number)
            continue
        _reap(worker)


def _reap(worker: int) -> None:
    """Reap all that has ended; end as the worker did, if it is among them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        if pid == worker:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def start_over() -> NoReturn:
    """Become a new process of the same command line, under the same pid; what has come since is not thrown away."""
    again = [word for word in this_command() if word not in ("--purge", "--discard")]
    for name in [name for name in os.environ if name.endswith(("_WORKER_PURGE", "_WORKER_DISCARD"))]:
        del os.environ[name]
    os.execv(sys.executable, again)  # noqa: S606 - our own command line


def this_command() -> list[str]:
    """Return the command line of this process, to be run again."""
    return [sys.executable, *sys.orig_argv[1:]]


def this_program() -> list[str]:
    """Return the beginning of that command line, before the words that are the program's own."""
    command = this_command()
    return command[: len(command) - len(sys.argv[1:])]


def stacks() -> str:
    """Return what every thread is doing."""
    frames = sys._current_frames()  # noqa: SLF001 - documented, and the only way
    parts = []
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        if frame is not None:
            parts.append(f"thread {thread.name}\n{''.join(traceback.format_stack(frame))}")
    return "\n".join(parts)

"""What a worker does when it is sent a signal; ``docs/workers.md`` has the table."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from sqlqueue.worker.process import stacks
from sqlqueue.worker.shutdown import Shutdown

if TYPE_CHECKING:
    from sqlqueue.worker.worker import Worker

logger = logging.getLogger("sqlqueue.worker")


def handle_signals(worker: Worker) -> None:
    """Install the handlers; call it in the main thread."""
    interrupted = 0

    def interrupt(_: int, __: Any) -> None:
        nonlocal interrupted
        worker.restarting = False
        worker.stop((Shutdown.WARM, Shutdown.SOFT, Shutdown.COLD)[min(interrupted, 2)])
        if not interrupted:
            os.write(2, b"\nfinishing the running tasks; Ctrl-C again gives them back\n")
        elif interrupted == 1 and worker.soft_timeout > 0:
            os.write(2, f"\ngiving them {worker.soft_timeout:g} s more; Ctrl-C again gives them back now\n".encode())
        interrupted += 1

    def terminate(*_: Any) -> None:
        worker.restarting = False
        worker.stop(Shutdown.SOFT if os.environ.get("REMAP_SIGTERM") == "SIGQUIT" else Shutdown.WARM)

    quits = 0

    def quit_(*_: Any) -> None:
        nonlocal quits
        worker.restarting = False
        worker.stop(Shutdown.COLD if quits else Shutdown.SOFT)
        quits += 1

    def hang_up(*_: Any) -> None:
        worker.restarting = not sys.__stderr__ or not sys.__stderr__.isatty()  # else its terminal was closed
        worker.stop(Shutdown.WARM)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGQUIT, quit_)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else it was started by nohup
        signal.signal(signal.SIGHUP, hang_up)
    signal.signal(signal.SIGUSR1, lambda *_: logger.warning("what every thread does:\n%s", stacks()))


def ignore_the_rest() -> None:
    """Take no note of being told again to end: the interpreter, taking itself apart, would end by the signal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)

"""A task that forks and comes back twice: the process that it made ends where its job would, and settles nothing.

It would share the worker's connections and pipes. A program that a task starts, or a process of ``multiprocessing``,
never comes here.
"""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from typing import Any


class Forks:
    """Knows whether this process was forked since it was made; asking costs nothing."""

    def __init__(self) -> None:
        self.here = False
        known = weakref.ref(self)

        def note() -> None:
            found = known()
            if found is not None:
                found.here = True

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=note)

    def end_others(self, error: BaseException | None = None) -> None:
        """End this process if a task has forked it: with the status of ``error`` if it was to leave, else with 1."""
        if self.here:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
            os._exit(status_of(error))


def status_of(error: Any) -> int:
    """Return the exit status that ``SystemExit`` asks for."""
    if not isinstance(error, SystemExit):
        return 1
    return error.code if isinstance(error.code, int) else int(error.code is not None)

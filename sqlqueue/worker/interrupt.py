"""Exceptions from outside: into a coroutine at its next ``await``, into a thread at its next line of Python.

What waits in C code, such as a driver's read, is reached when it comes back. Previous room: ``limits``.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator


def raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Let a thread raise ``error`` at its next line of Python; None takes back what it has not raised yet.

    Parameters
    ----------
    thread: its ``threading.get_ident()``.
    """
    what = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


class Interruptible(Coroutine[Any, Any, Any]):
    """A coroutine into which an exception of any kind can be thrown.

    ``asyncio`` can only cancel. This turns one cancellation into the exception asked for, so that the task's own
    ``except`` finds it, at the ``await`` where it was; tasks that it awaits are cancelled as usual.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> None:
        self._coroutine = coroutine
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._error: BaseException | None = None

    def interrupt(self, error: BaseException) -> None:
        """Throw ``error`` into the coroutine where it waits; may be called from any thread."""
        self._loop.call_soon_threadsafe(self.interrupt_now, error)

    def interrupt_now(self, error: BaseException) -> None:
        """The same, from inside the loop."""
        if self._task is not None and not self._task.done():
            self._error = error
            self._task.cancel()

    def send(self, value: Any) -> Any:
        """Run to the next ``await``."""
        if self._task is None:
            self._task = asyncio.current_task()
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Hand an exception on, in place of a cancellation the one that was asked for."""
        kind = error[0] if isinstance(error[0], type) else type(error[0])
        if self._error is not None and issubclass(kind, asyncio.CancelledError):
            instead, self._error = self._error, None
            if self._task is not None:
                self._task.uncancel()
            return self._coroutine.throw(instead)
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """Close the coroutine."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()

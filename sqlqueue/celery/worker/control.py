"""Commands of one's own for remote control."""

from __future__ import annotations

from typing import Any


def control_command(*args: Any, **kwargs: Any) -> Any:
    """Make a command of a function."""
    return args[0] if args and callable(args[0]) else lambda function: function


inspect_command = control_command


def add_consumer(state: Any, queue: str, *_: Any, **__: Any) -> Any:
    """Serve one more queue."""
    return {"ok": queue}


def cancel_consumer(state: Any, queue: str, *_: Any, **__: Any) -> Any:
    """Serve a queue no more."""
    return {"ok": queue}

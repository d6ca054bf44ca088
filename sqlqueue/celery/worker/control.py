"""Commands of one's own for remote control, which belong to the current app; and two of the built-in ones."""

from __future__ import annotations

from typing import Any

from sqlqueue.celery._state import get_current_app
from sqlqueue.worker.control.changing import add_consumer, cancel_consumer

OURS = ("name", "args", "variadic", "signature")
"""Options that mean the same here; Celery's others say how its own command line shows a command."""

__all__ = ["add_consumer", "cancel_consumer", "control_command", "inspect_command", "Panel"]


def control_command(function: Any = None, /, **options: Any) -> Any:
    """Make a command of a function, which is called in the worker with its panel, Celery's ``state``, first."""
    return _command(function, options, changes=True)


class Panel:
    """Celery's older way to make a command: ``@Panel.register``."""

    register = staticmethod(control_command)


def inspect_command(function: Any = None, /, **options: Any) -> Any:
    """Make a command that only looks."""
    return _command(function, options, changes=False)


def _command(function: Any, options: dict[str, Any], *, changes: bool) -> Any:
    ours = {name: value for name, value in options.items() if name in OURS}
    return get_current_app().commands.add(function, changes=changes, **ours)

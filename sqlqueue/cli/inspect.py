"""``sqlqueue inspect``: ask running workers about themselves."""

from __future__ import annotations

from sqlqueue.cli.asking import command_for

command = command_for(
    "inspect",
    changes=False,
    meaning="Ask running workers about themselves, such as: sqlqueue inspect active.",
    missing="say what to ask, such as active",
)

"""``sqlqueue control``: change running workers."""

from __future__ import annotations

from sqlqueue.cli.asking import command_for

command = command_for(
    "control",
    changes=True,
    meaning="Change running workers, such as: sqlqueue control add_consumer mails.",
    missing="say what to do, such as pool_grow",
)

"""What a question about an installation should come with, as text: versions, tasks, settings without secrets."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from sqlqueue.store.libraries import libraries
from sqlqueue.store.urls import show
from sqlqueue.version import __version__

if TYPE_CHECKING:
    from sqlqueue.app import SQLQueue


def report(app: SQLQueue, *, everything: bool = False) -> str:
    """Return it; ``everything`` shows the settings that have their default too."""
    lines = [
        f"sqlqueue {__version__}, Python {platform.python_version()}, {platform.platform()}",
        ", ".join(f"{name} {found}" for name, found in libraries()),
        f"database: {show(app.broker)}",
        f"tasks: {', '.join(app.tasks) or 'none'}",
        *(f"{name}: {value}" for name, value in app.conf.table(with_defaults=everything).items()),
    ]
    return "\n".join(lines)

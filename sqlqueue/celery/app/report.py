"""The text that Celery's users send with a question: ``app.bugreport()`` and ``inspect report``."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from sqlqueue.celery.app.conf import hidden
from sqlqueue.version import __version__
from sqlqueue.worker.report import report

if TYPE_CHECKING:
    from sqlqueue.celery.app.base import Celery

NAMES = "5.7.0"
"""The version of Celery whose names these are."""


def bugreport(app: Celery) -> str:
    """Return it."""
    software = f"software -> celery:{NAMES} (sqlqueue {__version__}) py:{platform.python_version()}"
    settings = f"settings -> results:{hidden(app.conf.result_backend or 'disabled')}"
    return "\n".join(["", software, settings, "", report(app)])

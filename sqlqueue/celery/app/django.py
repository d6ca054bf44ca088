"""What Celery does for a Django project: set it up, give its tasks a class, look after its connections in a worker.

Django closes what has become old or useless around each of its requests. A worker has no requests: without this, a
connection that the server has dropped would fail every later job of its process.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from sqlqueue import signals
from sqlqueue.tasks.discovery import of_django


def runs_here() -> bool:
    """Tell whether this process runs a Django project."""
    return "DJANGO_SETTINGS_MODULE" in os.environ and importlib.util.find_spec("django") is not None


def prepare() -> None:
    """Set up the Django project that this process runs, before tasks are imported; a worker looks after it then."""
    if runs_here():
        of_django()
        signals.worker_init.connect(_serve)
        signals.worker_process_init.connect(_serve)


def _serve(**_: Any) -> None:
    """Begin to look after connections; what was opened until now is not for the children."""
    signals.task_prerun.connect(_close_old)
    signals.task_postrun.connect(_close_old)
    importlib.import_module("django.db").connections.close_all()


def _close_old(sender: Any, **_: Any) -> None:
    """Close what Django would close between two requests; an eager job is in the middle of one."""
    if not sender.request.is_eager:
        importlib.import_module("django.db").close_old_connections()

"""`DjangoTask`: a task that can be sent when Django's transaction commits."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

from sqlqueue.celery.app.task import Task


class DjangoTask(Task):
    """A task of an app of a Django project."""

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Send a job with these arguments when Django's transaction commits, and never when it does not."""
        _on_commit(partial(self.delay, *args, **kwargs))

    def apply_async_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Send a job with options when Django's transaction commits, and never when it does not."""
        _on_commit(partial(self.apply_async, *args, **kwargs))


def _on_commit(send: Any) -> None:
    importlib.import_module("django.db.transaction").on_commit(send)

"""An app in other processes: sent to them, or forked into them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sqlqueue.celery import _state

if TYPE_CHECKING:
    from sqlqueue.celery.app.base import Celery


def again(kind: type[Celery], main: str | None, settings: dict[str, Any]) -> Celery:
    """Return the app that another process has sent; its tasks are those that were imported here."""
    return kind(main, set_as_current=False, changes=settings)


def _forked() -> None:
    for app in list(_state._apps):
        app.on_after_fork.send(app)


os.register_at_fork(after_in_child=_forked)

"""The app, its tasks and its settings, where Celery has them."""

from __future__ import annotations

from sqlqueue.celery._state import app_or_default, current_app, current_task
from sqlqueue.celery.app.base import Celery
from sqlqueue.celery.app.madeup import made_up as made_up
from sqlqueue.celery.app.shared import shared_task

__all__ = ["app_or_default", "Celery", "current_app", "current_task", "shared_task"]

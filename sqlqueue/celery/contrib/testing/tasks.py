"""A task to ask a worker whether it lives."""

from __future__ import annotations

from sqlqueue.celery.app.shared import shared_task


@shared_task(name="celery.ping")  # type: ignore[untyped-decorator]
def ping() -> str:
    """Return 'pong'."""
    return "pong"

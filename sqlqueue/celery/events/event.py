"""An event is a dict."""

from __future__ import annotations

from typing import Any

from sqlqueue.domain.clock import SYSTEM_CLOCK


def Event(type: str, _fields: Any = None, **fields: Any) -> dict[str, Any]:  # noqa: A002, N802 - Celery's
    """Make one."""
    return {"timestamp": SYSTEM_CLOCK.now().timestamp(), **(_fields or {}), **fields, "type": type}


def group_from(type: str) -> str:  # noqa: A002 - Celery's
    """Return what stands before the first dash: ``task`` of ``task-sent``."""
    return type.partition("-")[0]

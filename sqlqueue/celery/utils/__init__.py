"""Celery's small helpers that its users import."""

from __future__ import annotations

import uuid as _uuid


def uuid() -> str:
    """Return a new id."""
    return str(_uuid.uuid4())


gen_unique_id = uuid

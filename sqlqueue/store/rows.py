"""Rows as small values that several verbs return."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class Placed(NamedTuple):
    """A job and where it now waits; ``seq`` is its place in its lane, None while it is not due."""

    id: str
    queue: str
    priority: int
    seq: int | None


def moment(value: object) -> datetime | None:
    """Return a column's moment in UTC: one database gives datetimes, the other text."""
    if value is None:
        return None
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.astimezone(UTC)

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


def could_be(job_id: object) -> bool:
    """Tell whether a job may have that id: columns hold no NUL characters and no lone surrogates."""
    text = str(job_id)
    return "\0" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))

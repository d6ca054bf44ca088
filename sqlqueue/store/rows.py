"""Rows as small values that several verbs return."""

from __future__ import annotations

from typing import NamedTuple


class Placed(NamedTuple):
    """A job and where it now waits; ``seq`` is its place in its lane, None while it is not due."""

    id: str
    queue: str
    priority: int
    seq: int | None

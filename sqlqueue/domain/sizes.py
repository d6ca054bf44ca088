"""How large a job's arguments and its result may be, in bytes as they are stored, and how many go into a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

USUAL = 1 << 20
"""Unless the settings say otherwise: a job is a message, not a file."""

LEAST = 1 << 10
"""The smallest limit that can be set: below it ordinary calls would be refused."""

MOST = 64 << 20
"""The largest limit that can be set, and the most that a compressed value may be before and after.

A statement carries several values, each up to three times as large where it stands as text in JSON, and PostgreSQL
takes no more than 1 GiB of one, SQLite no more than 1,000,000,000 bytes.
"""

MOST_GIVEN = 2 * MOST
"""Bytes that the results may be, together, that a chord's body is given.

Its row must be one that a database holds, also where it stands, as text in JSON in JSON, among what an errback is told.
"""

AT_ONCE = 32 << 20
"""Characters of values in one statement, besides its first value.

One may be twelve bytes as text in JSON, so that it is half of what the databases take.
"""


def portions(values: Sequence[T], sizes: Sequence[int], most: int) -> list[Sequence[T]]:
    """Cut what is to be written into parts, each for one statement.

    Parameters
    ----------
    sizes: the characters of each value.
    most: values in one part.
    """
    if len(values) <= most and sum(sizes) <= AT_ONCE:  # nearly always
        return [values] if values else []
    parts: list[Sequence[T]] = []
    start, room = 0, AT_ONCE
    for place, size in enumerate(sizes):
        room -= size
        if place > start and (room < 0 or place - start >= most):
            parts.append(values[start:place])
            start, room = place, AT_ONCE - size
    return [*parts, values[start:]]

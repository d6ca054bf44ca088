"""How long a job may run: values and their rule. Who enforces them is the pools' affair."""

from __future__ import annotations

from typing import NamedTuple

SHORTEST = 0.01
"""Seconds; a shorter limit could not be told from the time it takes to enforce it."""


class Limits(NamedTuple):
    """Seconds that a job may run.

    Parameters
    ----------
    soft: after which the task is told, by an exception; None: never.
    hard: after which it is ended; None: never.
    """

    soft: float | None = None
    hard: float | None = None

    def over(self, other: Limits) -> Limits:
        """Return these limits, and the other's where these say nothing."""
        return Limits(
            other.soft if self.soft is None else self.soft,
            other.hard if self.hard is None else self.hard,
        )


UNLIMITED = Limits()


def complaint(soft: object, hard: object) -> str | None:
    """Say what is wrong with a pair of limits; None: nothing."""
    for name, value in (("soft_time_limit", soft), ("time_limit", hard)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= SHORTEST:
            return f"{name} is {value!r}: use seconds, at least {SHORTEST:g}, or None"
    if isinstance(soft, int | float) and isinstance(hard, int | float) and soft > hard:
        return f"soft_time_limit is {soft:g}, more than time_limit, {hard:g}: the task would never be told"
    return None

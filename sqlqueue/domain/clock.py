"""Time and chance as arguments: the only file that reads the process's clock.

Whatever two machines must agree on is decided by the database's clock, never by this one.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the long-lived parts ask for the time."""

    def now(self) -> datetime:
        """Return the moment, in UTC with zone."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""


class SystemClock:
    """The machine's own clock."""

    moved = timedelta()
    """How far a test has moved the time on: nothing, outside tests; see ``testing.clock``."""

    apart = timedelta()
    """How far a library that holds Python's clock has it from the database's: nothing, outside such tests."""

    def now(self) -> datetime:
        """Return the moment, in UTC with zone."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        return time.monotonic()

    def meant(self) -> datetime:
        """Return the moment as those who send jobs mean it: with what a test has moved the time on."""
        return self.now() + self.moved

    def stored(self, moment: datetime) -> datetime:
        """Return a moment that somebody means, by the database's clock."""
        return moment - self.moved - self.apart

    def shown(self, moment: datetime) -> datetime:
        """Return a moment by the database's clock, as it was meant."""
        return moment + self.moved + self.apart


SYSTEM_CLOCK = SystemClock()

monotonic = time.monotonic
"""For measuring durations where a Clock would only be passed through."""

epoch_ns = time.time_ns
"""Nanoseconds since 1970, for time-ordered ids only."""


def chance() -> random.Random:
    """Return a fresh source of randomness, seeded by the operating system."""
    return random.Random()  # noqa: S311 - jitter, not secrets

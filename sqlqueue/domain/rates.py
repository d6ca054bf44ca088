"""How often a task may start: ``10/m`` as seconds between two starts, and whose turn is when. Pure."""

from __future__ import annotations

from sqlqueue.errors import ConfigError

HOLD = 2.0
"""Seconds for which a job may wait in its worker for its turn; whose turn comes later goes back."""

LONGEST = 3600.0
"""Seconds for which a job goes back at most: by then another worker may have come that can run it."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}

Rate = str | int | float | None
"""Starts a second, or ``10/s``, ``10/m``, ``10/h``; None or 0: as often as one likes."""


def interval(rate: Rate) -> float | None:
    """Return the seconds between two starts, None for no limit; raises ConfigError for what is no rate."""
    number, _, unit = str(rate or 0).partition("/")
    try:
        times = float(number)
        seconds = _UNITS[unit or "s"]
    except (ValueError, KeyError):
        times, seconds = -1.0, 0.0
    if not 0 <= times < float("inf"):
        raise ConfigError(f"rate_limit is {rate!r}: use a number, or such as 10/s, 10/m or 10/h")
    return seconds / times if times else None


class Pace:
    """The turns of one task in one worker: evenly spaced, so that none is saved up.

    Parameters
    ----------
    every: seconds between two starts.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._free = 0.0
        self._far = 0.0

    def next(self, now: float) -> tuple[float, bool]:
        """Return in how many seconds the next job is to be looked at, and whether that will be its turn.

        A turn within `HOLD` seconds is kept for the job. Beyond that the jobs are only spread: a turn kept for a job
        that has gone back might be missed by it, and is better used by whichever comes.
        """
        turn = max(self._free, now)
        if turn - now <= HOLD:
            self._free = turn + self._every
            return turn - now, True
        self._far = max(self._far + self._every, turn)
        return min(self._far - now - HOLD / 2, LONGEST), False

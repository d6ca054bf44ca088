"""How long to wait before another try: pure arithmetic, with chance passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MAX_EXPONENT = 32  # 2**32 s is over a century: beyond it only the cap speaks


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with a cap and full jitter.

    Parameters
    ----------
    first: seconds before the first retry.
    most: cap in seconds.
    jitter: True draws each wait between zero and the computed one ("full jitter", Brooker 2015).
    """

    first: float = 1.0
    most: float = 600.0
    jitter: bool = True

    def delay(self, retries: int, chance: Random) -> float:
        """Return the seconds to wait after ``retries`` earlier retries."""
        wait = min(self.first * 2.0 ** min(retries, MAX_EXPONENT), self.most)
        return chance.uniform(0.0, wait) if self.jitter else wait

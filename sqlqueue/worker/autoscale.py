"""Grows the pool while every slot is busy and shrinks it when slots have been idle for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.domain.clock import Clock
    from sqlqueue.store.link import Link
    from sqlqueue.worker.pools.pool import Pool

LOOK = 0.5
"""Seconds between two looks."""

ASLEEP = 5.0
"""The same without bounds."""

KEEP = 30.0
"""Seconds that slots must have been idle before they go: as in Celery, so that a lull does not cost new processes."""


class Autoscaler:
    """One look is one decision.

    Parameters
    ----------
    bounds: the fewest and the most jobs at a time; None: leave the pool alone, until `turn_on`.
    resize: changes it, wherever it is kept.
    """

    def __init__(
        self, pool: Pool, clock: Clock, bounds: tuple[int, int] | None, resize: Callable[[int], object]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self.fewest, self.most = bounds or (0, 0)
        self._resize = resize
        self._was_full = False
        self._busiest = 0
        self._since = clock.monotonic()

    @property
    def on(self) -> bool:
        """Whether there are bounds."""
        return self.most > 0

    def turn_on(self, fewest: int, most: int) -> None:
        """Keep the pool between these bounds from now on."""
        self.fewest, self.most = fewest, most
        within = min(max(self._pool.concurrency, fewest), most)
        if within != self._pool.concurrency:
            self._resize(within)

    def tick(self, link: Link) -> float:  # noqa: ARG002 - a chore is given the connection
        """Look how busy the pool is; twice full: twice as large."""
        if not self.on:
            return ASLEEP
        now, size, load = self._clock.monotonic(), self._pool.concurrency, self._pool.load
        full = load >= size
        self._busiest = max(self._busiest, min(load, size))
        if full and self._was_full and size < self.most:
            self._resize(min(size * 2, self.most))
            self._start_over(now)
        elif full or size <= self.fewest:
            self._since = now
            self._busiest = 0
        elif now - self._since >= KEEP:
            self._resize(max(self._busiest, self.fewest))
            self._start_over(now)
        self._was_full = full
        return LOOK

    def _start_over(self, now: float) -> None:
        self._since = now
        self._busiest = 0

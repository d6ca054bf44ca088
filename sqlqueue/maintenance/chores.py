"""Chores in turn, in one loop on one connection: each says when it wants to be done again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.store.link import Link

logger = logging.getLogger("sqlqueue.maintenance")

REST_AFTER_ERROR = 1.0


class Chores:
    """A list of chores; ``tick`` does those whose time has come.

    Parameters
    ----------
    chores: called with the link; each returns the seconds until it is to be done again.
    """

    def __init__(self, link: Link, clock: Clock, chores: Sequence[Callable[[Link], float]]) -> None:
        self._link = link
        self._clock = clock
        self._chores = chores
        self._due = dict.fromkeys(range(len(chores)), 0.0)

    def hurry(self, chore: Callable[[Link], float], within: float = 0.0) -> None:
        """Let a chore be done at the next tick, or ``within`` so many seconds; wake the loop, which may be at rest."""
        number = self._chores.index(chore)
        self._due[number] = min(self._due[number], self._clock.monotonic() + within)

    def tick(self) -> float:
        """Do what is due, in order, and return the seconds until something is."""
        failed: Exception | None = None
        for number, chore in enumerate(self._chores):
            if self._clock.monotonic() < self._due[number]:
                continue
            try:
                self._due[number] = float("inf")  # so that a hurry during the chore is not forgotten
                again = self._clock.monotonic() + chore(self._link)
                self._due[number] = min(again, self._due[number])
            except Exception as error:  # noqa: BLE001 - one chore's failure must not keep the others, beats first
                self._due[number] = self._clock.monotonic() + REST_AFTER_ERROR
                failed = error
        if failed is not None:
            raise failed
        return max(min(self._due.values()) - self._clock.monotonic(), 0.0)

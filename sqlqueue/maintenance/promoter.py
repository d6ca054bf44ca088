"""Makes due jobs ready. Every worker does: they share the work row by row, so none need be elected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.ops.promote import next_due, promote

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.store.link import Link
    from sqlqueue.store.rows import Placed

LONGEST_REST = 1.0
"""Seconds between two looks where nobody tells of a job scheduled sooner."""

LONGEST_REST_HEARING = 5.0
"""The same where somebody does, though a message may be lost."""

BATCH = 1000


class Promoter:
    """Promotes due jobs and tells their queues.

    Parameters
    ----------
    placed: is told which jobs are ready now.
    hears: whether this worker is told of newly scheduled jobs, asked anew each time.
    """

    def __init__(self, placed: Callable[[list[Placed]], object], hears: Callable[[], bool]) -> None:
        self._placed = placed
        self._hears = hears

    def tick(self, link: Link) -> float:
        """Promote one batch; return the seconds until the next job is due."""
        seconds = link.read(next_due)  # looked at often, and where there is one writer, without being in its way
        if seconds is not None and seconds <= 0:
            jobs, seconds = link.run(promote, BATCH)
            self._placed(jobs)
        longest = LONGEST_REST_HEARING if self._hears() else LONGEST_REST
        return longest if seconds is None else min(max(seconds, 0.0), longest)

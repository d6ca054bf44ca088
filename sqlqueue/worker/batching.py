"""How many jobs to hold at a time. Pure arithmetic.

Enough that no slot waits for the database, but no more than about 50 ms of work: what waits here could run elsewhere,
and goes back when this worker dies. Nor more than fits into a little memory, when arguments are large.
"""

from __future__ import annotations

AHEAD = 0.05
"""Seconds of work to hold ahead of the slots."""

MOST = 500
"""Jobs in one claim; beyond it neither database gets faster."""

MOST_HELD = 2 * MOST
"""Jobs held ahead of the slots: one batch runs while the one before it is settled and the next is claimed."""

MOST_BYTES = 32 << 20
"""Arguments held ahead of the slots: without it a thousand quick jobs with a megabyte each would take a gigabyte."""

SMOOTHING = 0.2
"""Weight of the newest batch in the running means of task durations and of sizes that shrink."""

GROWTH = 2
"""Jobs to hold ahead for each that has ended lately. What was quick a while ago says little of what comes next, so that
a batch grows with what it is made from: two tiny tasks do not make a worker take a backlog of long ones."""

LATELY = 1.0
"""Seconds of which the ends are counted; a cycle with a slow commit must fit."""


class Batching:
    """Learns how long tasks take and says how many jobs to claim.

    Parameters
    ----------
    concurrency: jobs that can run at a time.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._mean: float | None = None
        self._size = 1.0
        self._ended = self._ended_before = 0
        self._turned = 0.0

    def learn(self, jobs: int, seconds: float) -> None:
        """Take note that ``jobs`` jobs ran for ``seconds`` in all."""
        if jobs <= 0:
            return
        self._ended += jobs
        mean = seconds / jobs
        weight = min(1.0, SMOOTHING * jobs)
        self._mean = mean if self._mean is None else self._mean + (mean - self._mean) * weight

    def weigh(self, jobs: int, size: int) -> None:
        """Take note that ``jobs`` claimed jobs had arguments of ``size`` bytes in all; more is believed at once."""
        if jobs > 0:
            mean = size / jobs
            self._size = max(1.0, mean, self._size + (mean - self._size) * SMOOTHING)

    def target(self) -> int:
        """Return how many jobs to hold in all."""
        if self._mean is None:
            return self.concurrency
        ahead = AHEAD * self.concurrency / max(self._mean, 1e-7)
        most = min(MOST_HELD, int(MOST_BYTES / self._size))
        return self.concurrency + min(int(ahead), most, GROWTH * (self._ended + self._ended_before))

    def wanted(self, load: int, now: float) -> int:
        """Return how many jobs to claim now, holding ``load``; few wait until there is room for many.

        Parameters
        ----------
        now: seconds of a clock that only moves forward.
        """
        since = now - self._turned
        if since >= LATELY:
            self._ended_before = self._ended if since < 2 * LATELY else 0
            self._ended, self._turned = 0, now
        target = self.target()
        room = target - load
        if room <= 0 or (load > self.concurrency and room * 2 < target):
            return 0
        return min(room, MOST)

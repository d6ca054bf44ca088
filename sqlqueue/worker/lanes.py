"""Where to look for jobs: the lanes of this worker's queues, which of them to read now, and from where.

The cursor of a lane (``lane``) remembers where its live jobs begin. Usually only lanes that are known to hold jobs
are read; all of them whenever none is, and often enough besides that nothing waits for long without being told of.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlqueue.store.ops.claim import LaneRead
from sqlqueue.worker.lane import Lane
from sqlqueue.worker.order import as_given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.domain.job import Job
    from sqlqueue.notify.channels import News

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1

LOOK_AROUND = 0.5
"""Seconds between two looks at every lane while some are known to hold jobs; with a thousand lanes it takes 6 ms."""

STEP_BACK = 4.0
"""Seconds between two readings of every lane from behind its cursor: what nobody tells of starts within 5."""

SWEEP_SHARE = 0.02
"""Part of its time that a worker spends on reading lanes from their start. It does so at every `STEP_BACK` unless old
snapshots keep so many dead index entries that one reading takes over 80 ms, about 600,000 of them; then more rarely,
and in between from where the cursor stood one `STEP_BACK` earlier."""

TURN = 10
"""Every so many claims another lane than the most urgent one goes first, so that none starves."""


class Lanes:
    """The lanes of one worker.

    Parameters
    ----------
    queues: in the order in which lanes of equal priority are read.
    remember: whether to keep cursors; a database that leaves no dead entries needs none.
    order: puts lanes of equal priority in another order, anew for each claim; see ``order``.
    """

    def __init__(
        self,
        queues: Sequence[str],
        clock: Clock,
        *,
        remember: bool,
        order: Callable[[list[Lane]], list[Lane]] = as_given,
    ) -> None:
        self._rank = {queue: place for place, queue in enumerate(queues)}
        self._clock = clock
        self._remember = remember
        self._order = order
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._ordered: list[Lane] = []
        self._paused: frozenset[str] = frozenset()
        self._asked: list[Lane] = []
        self._asked_at = 0.0
        self._slots = 0
        self._turns = 0
        self._look_around_at = 0.0
        self._step_back_at = clock.monotonic() + STEP_BACK
        self._sweep_at = self._step_back_at
        self._sweeping = False
        self.add((queue, 0) for queue in queues)

    def add(self, lanes: Iterable[tuple[str, int]]) -> None:
        """Make lanes known: pairs of queue and priority."""
        for queue, priority in lanes:
            if queue in self._rank and (queue, priority) not in self._lanes:
                self._lanes[queue, priority] = Lane(queue, priority)
        self._put_in_order()

    def serve(self, queues: Sequence[str]) -> None:
        """Read the lanes of these queues from now on, in this order, and no others."""
        self._rank = {queue: place for place, queue in enumerate(queues)}
        self._lanes = {key: lane for key, lane in self._lanes.items() if lane.queue in self._rank}
        self.add((queue, 0) for queue in queues)

    def pause(self, queues: frozenset[str]) -> None:
        """Leave the lanes of these queues alone, and read those of all others."""
        self._paused = queues
        self._put_in_order()

    def _put_in_order(self) -> None:
        lanes = [lane for lane in self._lanes.values() if lane.queue not in self._paused]
        self._ordered = sorted(lanes, key=lambda lane: (-lane.priority, self._rank[lane.queue]))

    def reads(self, slots: int, at_most: int) -> list[LaneRead]:
        """Return where to look now: of each lane first its front, one job for each free slot, then its line."""
        now = self._clock.monotonic()
        self._asked_at, self._slots = now, slots
        if self._remember:
            self._step_back(now)
        self._asked = self._lanes_to_read(now)
        found = []
        for lane in self._asked:
            if slots > 0 and lane.front:
                found.append(LaneRead(lane.queue, lane.priority, LOWEST, 0, slots))
            low = lane.low(now) if self._remember else 0
            found.append(LaneRead(lane.queue, lane.priority, low, HIGHEST, at_most))
        return found

    def claimed(self, jobs: Sequence[Job], at_most: int) -> None:
        """Take note of a claim that is committed: ``jobs`` in the order of their lanes, fronts first."""
        now, full = self._clock.monotonic(), len(jobs) >= at_most
        if self._sweeping:
            self._sweeping = False
            self._sweep_at = now + max(STEP_BACK, (now - self._asked_at) / SWEEP_SHARE)
        last: dict[tuple[str, int], int] = {}
        fronts: Counter[tuple[str, int]] = Counter()
        for job in jobs:
            if job.seq > 0:
                last[job.queue, job.priority] = job.seq  # they are in order
            else:
                fronts[job.queue, job.priority] += 1
        pressed = self._pressed(jobs) if full else None
        for lane in self._asked:
            key = (lane.queue, lane.priority)
            if lane is pressed:
                lane.claimed_some(last.get(key), now)
                break  # the claim was full before it came to the lanes after this one
            lane.front = lane.front and (self._slots <= 0 or fronts[key] >= self._slots)
            lane.claimed_all(last.get(key), now)

    def heard(self, queue: str, news: News) -> None:
        """Take note of a message: something new stands at these places, maybe behind the cursor."""
        unknown = [(queue, priority) for priority in news.lanes if (queue, priority) not in self._lanes]
        if unknown:
            self.add(unknown)
        now = self._clock.monotonic()
        for priority, seq in news.lanes.items():
            lane = self._lanes.get((queue, priority))
            if lane is not None:
                lane.heard(seq, now)

    def claimed_up_to(self) -> list[tuple[str, int, int]]:
        """Return of each lane its queue, its priority, and a place behind which we hold nothing."""
        return [(lane.queue, lane.priority, lane.cursor if lane.stocked else HIGHEST) for lane in self._lanes.values()]

    def reset(self) -> None:
        """Start over: after a reconnection the database may be another one, with a sequence behind the cursors."""
        for lane in self._lanes.values():
            lane.forget()

    def _pressed(self, jobs: Sequence[Job]) -> Lane | None:
        """Return the lane at which a full claim ended: of those that gave something, the one that was read last."""
        gave = {(job.queue, job.priority) for job in jobs}
        return next((lane for lane in reversed(self._asked) if (lane.queue, lane.priority) in gave), None)

    def _lanes_to_read(self, now: float) -> list[Lane]:
        lanes = self._order(self._ordered)
        self._turns += 1
        if self._turns % TURN == 0 and len(lanes) > 1:
            turn = self._turns // TURN % len(lanes)
            return self._around(lanes[turn:] + lanes[:turn], now)
        stocked = [lane for lane in lanes if lane.stocked or (lane.front and self._slots > 0)]
        return stocked if stocked and now < self._look_around_at else self._around(lanes, now)

    def _around(self, lanes: list[Lane], now: float) -> list[Lane]:
        """Look at every lane, and at its front too."""
        self._look_around_at = now + LOOK_AROUND
        for lane in lanes:
            lane.front = True
        return lanes

    def _step_back(self, now: float) -> None:
        """From time to time read every lane again, from its start or from where its cursor stood."""
        if now < self._step_back_at:
            return
        self._step_back_at = now + STEP_BACK
        self._look_around_at = now
        self._sweeping = now >= self._sweep_at
        for lane in self._lanes.values():
            lane.step_back(from_start=self._sweeping)

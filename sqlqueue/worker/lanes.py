"""Where to look for jobs: the lanes of this worker's queues, and how far each has been read.

The cursor of a lane remembers where its live jobs begin, so that the index entries of finished ones, which an old
snapshot keeps from being cleaned, are not walked at every claim. It moves only after its own commit; what commits
late behind it is found by its notification or by reading again from where the cursor stood some seconds ago.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sqlqueue.store.ops.claim import LaneRead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.domain.job import Job
    from sqlqueue.notify.channels import News

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1

TRAIL = 1.0
"""Seconds by which the cursor follows what was claimed while there is no backlog: commits come out of order."""

REREAD = 5.0
"""Seconds between two readings of a lane from where its cursor stood one such time before."""

SWEEP = 30.0
"""Seconds between two readings of a lane from its start: finds what committed later than all that."""

TURN = 10
"""Every so many claims another lane than the most urgent one goes first, so that none starves."""


class Lane:
    """One queue and priority, and the cursor in it."""

    __slots__ = ("cursor", "marks", "priority", "queue")

    def __init__(self, queue: str, priority: int) -> None:
        self.queue = queue
        self.priority = priority
        self.cursor = 0
        self.marks: deque[tuple[float, int]] = deque()  # when, and how far the lane had been claimed by then

    def claimed(self, seq: int, now: float, *, full: bool) -> None:
        """Take note that the lane was claimed up to ``seq``; a full batch means that a backlog lies ahead."""
        if full:
            self.cursor = max(self.cursor, seq)
        if not self.marks or now - self.marks[-1][0] > TRAIL / 10:
            self.marks.append((now, seq))
        else:
            self.marks[-1] = (self.marks[-1][0], max(seq, self.marks[-1][1]))

    def advance(self, now: float) -> None:
        """Let the cursor follow to where the lane had been claimed a `TRAIL` ago."""
        marks = self.marks
        while len(marks) > 1 and now - marks[1][0] >= TRAIL:
            marks.popleft()
        if marks and now - marks[0][0] >= TRAIL:
            self.cursor = max(self.cursor, marks[0][1])


class Lanes:
    """The lanes of one worker.

    Parameters
    ----------
    queues: in the order in which lanes of equal priority are read.
    remember: whether to keep cursors; a database that leaves no dead entries needs none.
    """

    def __init__(self, queues: Sequence[str], clock: Clock, *, remember: bool) -> None:
        self._rank = {queue: place for place, queue in enumerate(queues)}
        self._clock = clock
        self._remember = remember
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._ordered: list[Lane] = []
        self._turns = 0
        self._reread_at = clock.monotonic() + REREAD
        self._sweep_at = clock.monotonic() + SWEEP
        self._before: dict[tuple[str, int], int] = {}
        self.add((queue, 0) for queue in queues)

    def add(self, lanes: object) -> None:
        """Make lanes known: pairs of queue and priority."""
        for queue, priority in lanes:  # type: ignore[attr-defined]
            if queue in self._rank and (queue, priority) not in self._lanes:
                self._lanes[queue, priority] = Lane(queue, priority)
        self._ordered = sorted(self._lanes.values(), key=lambda lane: (-lane.priority, self._rank[lane.queue]))

    def reads(self, slots: int, at_most: int) -> list[LaneRead]:
        """Return where to look now: of each lane first its front, one job for each free slot, then its line."""
        now = self._clock.monotonic()
        self._step_back(now)
        lanes = self._ordered
        self._turns += 1
        if self._turns % TURN == 0 and len(lanes) > 1:
            turn = self._turns // TURN % len(lanes)
            lanes = lanes[turn:] + lanes[:turn]
        found = []
        for lane in lanes:
            if self._remember:
                lane.advance(now)
            if slots > 0:
                found.append(LaneRead(lane.queue, lane.priority, LOWEST, 0, slots))
            found.append(LaneRead(lane.queue, lane.priority, lane.cursor, HIGHEST, at_most))
        return found

    def claimed(self, jobs: Sequence[Job], at_most: int) -> None:
        """Take note of a claim that is committed."""
        if not self._remember or not jobs:
            return
        now, full = self._clock.monotonic(), len(jobs) >= at_most
        last: dict[tuple[str, int], int] = {}
        for job in jobs:
            if job.seq > 0:
                last[job.queue, job.priority] = job.seq  # they are in order
        pressed = (jobs[-1].queue, jobs[-1].priority)  # only the lane at which the claim was full has more
        for key, seq in last.items():
            self._lanes[key].claimed(seq, now, full=full and key == pressed)

    def heard(self, queue: str, news: News) -> None:
        """Take note of a message: something new stands at these places, maybe behind the cursor."""
        unknown = [(queue, priority) for priority in news.lanes if (queue, priority) not in self._lanes]
        if unknown:
            self.add(unknown)
        for priority, seq in news.lanes.items():
            lane = self._lanes.get((queue, priority))
            if lane is not None and seq > 0 and lane.cursor >= seq:
                self._lower(lane, seq - 1)

    def reset(self) -> None:
        """Start over: after a reconnection the database may be another one, with a sequence behind the cursors."""
        for lane in self._lanes.values():
            self._lower(lane, 0)
        self._before.clear()

    def _step_back(self, now: float) -> None:
        """From time to time read again from where the cursors stood before."""
        if not self._remember or now < self._reread_at:
            return
        self._reread_at = now + REREAD
        sweep = now >= self._sweep_at
        if sweep:
            self._sweep_at = now + SWEEP
        for key, lane in self._lanes.items():
            stood = 0 if sweep else self._before.get(key, 0)
            self._before[key] = lane.cursor
            self._lower(lane, min(stood, lane.cursor))

    def _lower(self, lane: Lane, cursor: int) -> None:
        lane.cursor = cursor
        lane.marks.clear()

"""One lane, and the cursor in it.

The cursor remembers where the lane's live jobs begin, so that the index entries of finished ones, which an old
snapshot keeps from being cleaned, are not walked at every claim. It moves only after its own commit. What commits late
behind it is found by its notification, or when the lane is read once more from further back: that is a second place,
``back``, which leaves the cursor alone, so that the long way is gone once and not at every claim after it.
"""

from __future__ import annotations

from collections import deque

TRAIL = 1.0
"""Seconds by which the cursor follows what was claimed while there is no backlog: commits come out of order."""

ECHO = 0.25
"""Seconds for which a lane is read from where a message said: it may be a moment ahead of its commit."""


class Lane:
    """One queue and priority."""

    __slots__ = ("back", "back_until", "cursor", "front", "marks", "priority", "queue", "stocked", "stood")

    def __init__(self, queue: str, priority: int) -> None:
        self.queue = queue
        self.priority = priority
        self.stocked = True  # whether it may hold jobs that nobody has claimed
        self.front = True  # the same of its front lane, where jobs come back
        self.cursor = 0
        self.stood = 0  # where the cursor was at the last step back
        self.back: int | None = None
        self.back_until = 0.0
        self.marks: deque[tuple[float, int]] = deque()  # when, and how far the lane had been claimed by then

    def low(self, now: float) -> int:
        """Return after which place to read now."""
        marks = self.marks
        while len(marks) > 1 and now - marks[1][0] >= TRAIL:
            marks.popleft()
        if marks and now - marks[0][0] >= TRAIL:
            self.cursor = max(self.cursor, marks[0][1])
        return self.cursor if self.back is None else min(self.back, self.cursor)

    def claimed_some(self, seq: int | None, now: float) -> None:
        """Take note that a claim was full when it had come to ``seq``; None: it had not come beyond the front."""
        self.stocked = True
        if seq is None:
            return
        if self.back is not None and now >= self.back_until:
            self.back = seq if seq < self.cursor else None  # there may be more of them behind the cursor
        self.cursor = max(self.cursor, seq)

    def claimed_all(self, seq: int | None, now: float) -> None:
        """Take note that the lane was read to its end; ``seq``: the last place that was claimed, if any was."""
        self.stocked = False
        if now >= self.back_until:
            self.back = None
        if seq is None or seq <= self.cursor:
            return
        if not self.marks or now - self.marks[-1][0] > TRAIL / 10:
            self.marks.append((now, seq))
        else:
            self.marks[-1] = (self.marks[-1][0], max(seq, self.marks[-1][1]))

    def heard(self, seq: int, now: float) -> None:
        """Take note that something new stands at ``seq``, at the front if below zero."""
        self.stocked = True
        if seq <= 0:
            self.front = True
        elif seq <= self.cursor:
            self.back = seq - 1 if self.back is None else min(self.back, seq - 1)
            self.back_until = now + ECHO

    def step_back(self, *, from_start: bool) -> None:
        """Let the next reading begin at the lane's start, or where the cursor stood at the last step back."""
        self.back = 0 if from_start else self.stood
        self.stood = self.cursor

    def forget(self) -> None:
        """Start over."""
        self.cursor = self.stood = 0
        self.back = None
        self.marks.clear()
        self.stocked = self.front = True

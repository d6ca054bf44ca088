"""One child as the parent sees it: its pipes, its jobs, its seat in the shared memory.

Not safe for threads; the pool's lock is held around every call. Previous room: ``prefork_child``, the other
end.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import TYPE_CHECKING

from sqlqueue.worker.pools.pipes import Frames, Outlet, frame, read_available
from sqlqueue.worker.pools.pool import Executing, Survey
from sqlqueue.worker.pools.prefork_child import QUICK, WARNING
from sqlqueue.worker.pools.wire import pack_jobs, pack_permits, unpack_outcome, unpack_permits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.worker.pools.prefork_memory import Seat

FIRST_WINDOW = 4
LARGEST_WINDOW = 256
"""Jobs that a child may hold. The permits of the largest window fit into the smallest pipe (4096 bytes)."""
FAST = 0.02
"""Seconds: a child that gets through half of its window in this time may hold twice as many."""


class Member:
    """A child, from the moment it is asked for until it is buried.

    Parameters
    ----------
    key: names it to the fork server.
    place: the index of its seat.
    """

    def __init__(self, key: int, place: int, seat: Seat) -> None:
        self.key = key
        self.place = place
        self.seat = seat
        self.pid = 0
        self.ready = False
        self.silent = False
        self.jobs: dict[int, Job] = {}
        self.finished = 0
        self.dealt_at = 0.0
        self.leaving = False
        self.sentence: Outcome | None = None
        self._fatal = False
        self.window = FIRST_WINDOW
        self._next = 1
        self._frames = Frames()
        self._open: list[int] = []
        try:
            self._make_pipes()
        except OSError:
            self.close()
            raise

    def _make_pipes(self) -> None:
        jobs_read, jobs_write = self._pipe()
        self.outcomes, outcomes_write = self._pipe()
        self._permits_read, self._permits_write = self._pipe()
        os.set_blocking(self.outcomes, False)
        os.set_blocking(self._permits_read, False)  # for the child too: both ends are one open file
        self.outlet = Outlet(jobs_write)
        self.handed_over = (jobs_read, outcomes_write, self._permits_read)

    def _pipe(self) -> tuple[int, int]:
        read, write = os.pipe()
        self._open += (read, write)
        return read, write

    def forked(self) -> None:
        """Close what only the child needs; the permits are read here too."""
        for fd in self.handed_over[:2]:
            self._close(fd)

    def room(self, now: float, stuck: float) -> int:
        """How many jobs may be sent now.

        None to a child that is not ready, that still has more than half of its window, or that has been in
        one job for ``stuck`` seconds: its next job is better off in the line, where the first free child
        finds it.
        """
        held = len(self.jobs)
        if not self.ready or held > self.window // 2 or (held and self.busy(now) >= stuck):
            return 0
        return self.window - held

    def busy(self, now: float) -> float:
        """How long the child has been in one job, or deaf to those that it was sent."""
        return now - (self.seat.started if self.seat.number in self.jobs else self.dealt_at)

    @property
    def waiting(self) -> int:
        """How many jobs it holds besides the running one: unstarted, or done but not sent yet."""
        return len(self.jobs) - (self.seat.number in self.jobs)

    def send(self, jobs: Sequence[Job], now: float) -> None:
        """Send jobs, and a permit for each."""
        first, after = self._next, self._next + len(jobs)
        self._next = after
        self.jobs.update(zip(range(first, after), jobs, strict=True))
        self.dealt_at = now
        self.outlet.write(frame(pack_jobs(jobs)))
        os.write(self._permits_write, pack_permits(first, after))

    def take(self) -> list[Job]:
        """Take the jobs back that have not started."""
        if not self.jobs:
            return []
        data, _ = read_available(self._permits_read)
        return [self.jobs.pop(number) for number in unpack_permits(data)]

    def hear(self, now: float) -> list[tuple[Job, Outcome]]:
        """Read the outcomes that have come; widen the window of a quick child."""
        data, self.silent = read_available(self.outcomes)
        found = self._found(self._frames.feed(data))
        if self.seat.doomed and not self._fatal and self.seat.doomed not in self.jobs:
            self.sentence, self.seat.doomed = (
                None,
                0,
            )  # it has survived the signal: the job is done, and others may come
        if len(self.jobs) <= self.window // 2 and now - self.dealt_at < FAST:
            self.window = min(self.window * 2, LARGEST_WINDOW)
        return found

    def peek(self) -> list[tuple[Job, Outcome]]:
        """Read the outcomes that the child has not sent yet; they will come again and be passed over."""
        return self._found(Frames().feed(self.seat.peek())) if self.seat.stashed else []

    def last_words(self) -> list[tuple[Job, Outcome]]:
        """Read all that a dead child has left; not to the end, for what it forked may hold the pipe open."""
        data, _ = read_available(self.outcomes)
        return self._found(self._frames.feed(data)) + self.peek()

    def was_running(self) -> Job | None:
        """Return the job in which the child died; ask after `last_words`."""
        return self.jobs.pop(self.seat.number, None)

    def warn(self, number: int) -> None:
        """Let the child raise `SoftTimeLimitExceeded`, if it is still in that job; says so once."""
        if self.seat.warned != number:
            self.seat.warned = number
            _signal(self.pid, WARNING)

    def end(self, number: int, outcome: Outcome, now: float, by: int = signal.SIGKILL) -> bool:
        """Send the child a signal if it is in that job, which ends with ``outcome`` when it dies; tell whether it was.

        First the number is written down, then it is looked whether the child is still in that job: a child that is
        done sees the number before it begins another, and waits. So no other job dies for this one.
        """
        seat = self.seat
        if now - seat.started < 2 * QUICK:  # the child looks only after jobs that were not quick
            return False
        seat.doomed = number
        if seat.number != number:
            seat.doomed = 0
            return False
        if by == WARNING:
            seat.doomed = 0
            self.warn(number)
            return True
        self.sentence = outcome
        self._fatal = by == signal.SIGKILL
        _signal(self.pid, by)
        return True

    def _found(self, payloads: Iterable[bytes | bytearray]) -> list[tuple[Job, Outcome]]:
        """Pair outcomes with their jobs; one that has been read before finds none."""
        found = []
        for payload in payloads:
            if not payload:
                self.ready = True
                continue
            number, outcome = unpack_outcome(payload)
            job = self.jobs.pop(number, None)
            if job is not None:
                found.append((job, outcome))
        self.finished += len(found)
        return found

    def dismiss(self) -> None:
        """Close the permits: the child ends after its present job. Take the jobs back first."""
        self.leaving = True
        self._close(self._permits_write)

    def kill(self) -> None:
        """Kill the process, if it is known already."""
        _signal(self.pid, signal.SIGKILL)

    def wait_for_end(self, seconds: float) -> None:
        """Wait until a killed child has let go of its pipe; only for when there is no fork server to ask."""
        poll = select.poll()
        poll.register(self.outcomes, 0)  # hang-up only
        poll.poll(seconds * 1000)

    def close(self) -> None:
        """Close what is still open."""
        for fd in list(self._open):
            self._close(fd)

    def _close(self, fd: int) -> None:
        if fd in self._open:
            self._open.remove(fd)
            os.close(fd)


def seen(member: Member) -> Survey:
    """Return the job that a child is in, and those behind it; those before it are done, their outcomes on the way."""
    number, started = member.seat.number, member.seat.started
    job = member.jobs.get(number)
    running = [Executing(job, started, member.pid)] if job is not None else []
    return Survey(running, [job for place, job in member.jobs.items() if place > number])


def _signal(pid: int, number: int) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

"""What a child does: read a permit, run that job, send what came of it; no thread, no lock, no database.

**Permits.** The parent numbers the jobs of a child from 1 and writes, for each, its number into the permit
pipe. A job may start only with its permit, and both the child and the parent read from that pipe: whoever
gets the number has the job. The parent takes jobs back by reading; the child then finds that the next
permit names a later job, and drops the jobs before it. So nothing has to be said about jobs taken back, and
a later job is never mistaken for one. Reads and writes of a pipe are atomic at this size, and only whole
permits are written and read.

**Outcomes** go to the stash, which is shared memory, before the next job starts: a death in that job loses
none. They are sent, many in one write, when the child has nothing more to do, when the stash is full or
`MANY` wait, when the oldest is older than `OLD`, and before any job whose task is not known to be quick.
When a quick task is slow for once the parent reads the stash itself. So an outcome does not wait for the
job behind it, and a tiny one costs no write.
"""

from __future__ import annotations

import logging
import os
import resource
import select
import signal
import sys
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import SoftTimeLimitExceeded
from sqlqueue.signals import worker_process_init, worker_process_shutdown
from sqlqueue.worker.pools.pipes import CHUNK, Frames, frame, write_all
from sqlqueue.worker.pools.prefork_memory import STASH
from sqlqueue.worker.pools.wire import PERMIT, pack_outcome, unpack_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.worker.execute import Executor
    from sqlqueue.worker.pools.prefork_memory import Board, Seat

logger = logging.getLogger("sqlqueue.worker")

MANY = 64
"""Outcomes in one write: enough to make the write cheap, few enough for the parent to refill in time."""
OLD = 0.002
QUICK = 0.001
"""Seconds: how long an outcome may wait for others, and below what runtime a task is quick."""


WARNING = signal.SIGUSR1
"""Tells a child that its job has reached its soft limit."""


class Work(NamedTuple):
    """What all children of a pool have in common; given to the fork server before it starts.

    Parameters
    ----------
    make_executor: called in each child, after the fork.
    board: the shared memory, with a seat for each child.
    max_tasks: a child is replaced after so many jobs; None: never.
    max_memory: a child is replaced after a job during which it has held more memory than this, KiB; None: never.
    """

    make_executor: Callable[[], Executor]
    board: Board
    max_tasks: int | None = None
    max_memory: int | None = None

    def run(self, seat: int, pipes: Sequence[int]) -> None:
        """Be a child until the parent closes the permits."""
        jobs, outcomes, permits = pipes
        executor = self.make_executor()
        outbox = Outbox(self.board.seats[seat], outcomes)
        _hear_warnings(executor, outbox.seat)
        worker_process_init.send()
        write_all(outcomes, frame(b""))  # ready: the parent deals jobs to children that have said so
        try:
            _serve(executor, Inbox(jobs), outbox, permits, self)
            outbox.flush()
        except (EOFError, BrokenPipeError):  # the parent is gone, and nobody is left to tell
            return
        executor.close_thread()
        worker_process_shutdown.send(pid=os.getpid(), exitcode=0)


class Inbox:
    """The jobs that the parent sent, in order."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._frames = Frames()
        self._jobs: deque[Job] = deque()
        self._next = 1

    def has(self, number: int) -> bool:
        """Whether the job can be had without waiting for the pipe."""
        return number < self._next + len(self._jobs)

    def get(self, number: int) -> Job:
        """Return the job of that number and drop those before it, which the parent has taken back."""
        while True:
            while self._jobs:
                job = self._jobs.popleft()
                self._next += 1
                if self._next > number:
                    return job
            data = os.read(self._fd, CHUNK)
            if not data:
                raise EOFError("the parent is gone")
            for payload in self._frames.feed(data):
                self._jobs.extend(unpack_jobs(payload))


class Outbox:
    """Outcomes on their way to the parent."""

    def __init__(self, seat: Seat, fd: int) -> None:
        self.seat = seat
        self.waiting = 0
        self.since = 0.0
        self._fd = fd

    def put(self, number: int, outcome: Outcome, now: float) -> None:
        """Keep an outcome safe; send those that do not fit."""
        data = frame(pack_outcome(number, outcome))
        if self.seat.stashed + len(data) > STASH:
            self.flush()
        if len(data) > STASH:
            write_all(self._fd, data)
            return
        self.seat.append(data)
        if not self.waiting:
            self.since = now
        self.waiting += 1

    def flush(self) -> None:
        """Send what waits."""
        if self.waiting:
            write_all(self._fd, self.seat.stash())
            self.seat.flushed()
            self.waiting = 0


def _serve(executor: Executor, inbox: Inbox, outbox: Outbox, permits: int, work: Work) -> None:
    seat, execute, pid, max_memory = outbox.seat, executor.execute, os.getpid(), work.max_memory
    quick: set[str] = set()
    poll = select.poll()
    poll.register(permits, select.POLLIN)
    for _ in range(work.max_tasks or sys.maxsize):
        permit = _next_permit(permits, poll, outbox)
        if not permit:
            return
        number = int.from_bytes(permit, sys.byteorder)
        if not inbox.has(number):
            outbox.flush()  # the next read may wait
        job = inbox.get(number)
        now = monotonic()
        if outbox.waiting and (job.task not in quick or outbox.waiting >= MANY or now - outbox.since > OLD):
            outbox.flush()
        seat.begin(number, now)
        outcome = execute(job)
        if os.getpid() != pid:
            os._exit(1)  # the task forked, and its child came back from it
        done = monotonic()
        outbox.put(number, outcome, done)
        if done - now < QUICK:
            quick.add(job.task)
        else:
            quick.discard(job.task)
            seat.idle()
            if seat.doomed:
                outbox.flush()  # so that the parent sees that it is too late, should the signal be survived
            while seat.doomed:  # too late to end that job, and no other must die for it
                select.select((), (), (), QUICK)
        if max_memory is not None and (used := _memory()) > max_memory:
            logger.info("child %d has held %d KiB, more than %d: it is replaced", pid, used, max_memory)
            return


def _memory() -> int:
    """Return the most memory that this process has held, KiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "linux" else used // 1024


def _hear_warnings(executor: Executor, seat: Seat) -> None:
    """Let the parent's signals warn or end the job that they are meant for, and no other.

    What a terminal or an init sends to every process of the group ends nothing: the parent decides what comes of it.
    """

    def warn(_: int, frame: FrameType | None) -> None:
        if seat.warned and seat.warned == seat.number:
            executor.interrupt_here(frame, SoftTimeLimitExceeded)

    def end(number: int, _: FrameType | None) -> None:
        if seat.doomed and seat.doomed == seat.number:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(WARNING, warn)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, end)


def _next_permit(permits: int, poll: select.poll, outbox: Outbox) -> bytes:
    """Return the next permit, empty when the parent gives no more; sends the outcomes before it waits."""
    while True:
        try:
            return os.read(permits, PERMIT)
        except BlockingIOError:  # nothing to do, or the parent has taken it
            outbox.flush()
            outbox.seat.idle()
            poll.poll()

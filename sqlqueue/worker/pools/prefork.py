"""Processes: the default pool. A task that leaks, hangs or crashes does so alone; the jobs around it go on.

The parent has one thread for all pipes and never waits for a child; no lock is shared between processes.
The rooms: ``prefork_server`` forks, ``prefork_child`` runs jobs, ``prefork_member`` is one child as the
parent sees it, ``prefork_crew`` decides who gets what, ``prefork_memory`` is what parent and child both
see, ``pipes`` and ``wire`` are the bytes between them.

Order of calls::

    server = ForkServer(Work(make_executor, Board(most)))
    server.start(prepare)               # while the process has one thread
    pool = PreforkPool(concurrency, report, server, limits)  # at any time after that
    pool.start()
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
from signal import SIGKILL
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import ConfigError
from sqlqueue.worker.pools.pool import Survey
from sqlqueue.worker.pools.prefork_crew import STUCK, Crew
from sqlqueue.worker.pools.prefork_member import seen

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.worker.limits import LimitBook
    from sqlqueue.worker.pools.pool import Report
    from sqlqueue.worker.pools.prefork_member import Member
    from sqlqueue.worker.pools.prefork_server import ForkServer

logger = logging.getLogger("sqlqueue.worker")

COLD = 2.0
"""Seconds that `abandon` waits for killed children to be gone."""
AFTER_ERROR = 0.1
"""Seconds of rest after an error that should not be."""


class PreforkPool:
    """Processes, one job at a time in each.

    Parameters
    ----------
    concurrency: how many; at most as many as the fork server's work has seats.
    report: is told outcomes, many at once where they come quickly; called from the pool's thread.
    server: running; the pool closes it in the end.
    """

    kind = "prefork"

    def __init__(self, concurrency: int, report: Report, server: ForkServer, limits: LimitBook) -> None:
        self.concurrency = concurrency
        self.limits = limits
        self._report = report
        self._server = server
        self._board = server.work.board
        self._crew = Crew(concurrency, server, limits, self._watch, self._forget)
        self._lock = threading.Lock()
        self._load = 0
        self._rest: float | None = 0.0
        self._until = 0.0
        self._woken = self._wake_up = -1
        self._stopping = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="sqlqueue-prefork", daemon=True)

    @property
    def load(self) -> int:
        """Jobs in the line and in the children."""
        return self._load

    @property
    def running(self) -> int:
        """How many children are in a job."""
        return sum(seat.number != 0 for seat in self._board.seats)

    @property
    def lost(self) -> bool:
        """Whether the fork server was killed: nothing runs any more; end the worker."""
        return self._crew.lost_server

    def stuck_since(self) -> float | None:
        """Return when the last of the children that are all busy started its job; a deaf child need not be asked."""
        started = [seat.started for seat in self._board.seats if seat.number]
        return max(started) if len(started) >= self.concurrency else None

    @property
    def room(self) -> int:
        """The seats in the shared memory."""
        return len(self._board.seats)

    @property
    def processes(self) -> list[int]:
        """The children that are ready."""
        with self._lock:
            return [member.pid for member in self._crew.members.values() if member.pid]

    def survey(self) -> Survey:
        """Return the jobs that children are in, the line, and what waits in their pipes; no child is asked."""
        with self._lock:
            found = [seen(member) for member in self._crew.members.values()]
            line = list(self._crew.line)
        running = [one for running, _ in found for one in running]
        return Survey(running, line + [job for _, waiting in found for job in waiting])

    def start(self) -> None:
        """Ask for the children and start the thread."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._woken, self._wake_up = os.pipe()
        for fd in (self._woken, self._wake_up):
            os.set_blocking(fd, False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Put jobs in the line and send what the children have room for."""
        with self._lock:
            self._load += len(jobs)
            self._crew.line.extend(jobs)
            now = monotonic()
            self.limits.note(jobs)
            self._crew.deal(now)
            rest = self._crew.rest(now)
            asleep = rest is not None and now + rest + STUCK < self._until
            if asleep or self.lost or any(m.outlet.full for m in self._crew.members.values()):
                self._wake()

    def take_back(self, ids: Collection[str] | None = None) -> list[Job]:
        """Take the unstarted jobs, all or these, out of the line and out of the children's pipes."""
        with self._lock:
            taken = self._crew.take_back(ids)
            self._load -= len(taken)
            if self._crew.line:
                self._wake()  # what lay in a pipe with them goes to whoever is free
        return taken

    def end(self, id_: str, outcome: Outcome, by: int = SIGKILL) -> bool:
        """Send a signal to the child that runs this job, which ends with ``outcome`` if the child dies of it."""
        with self._lock:
            return self._crew.end(id_, outcome, monotonic(), by)

    def resize(self, concurrency: int, *, anew: bool = False) -> None:
        """Have so many children from now on; the surplus end after their present jobs, or all that there are."""
        if concurrency > self.room:
            raise ConfigError(
                f"this pool has room for {self.room} processes, not for {concurrency}; start with a larger -c"
            )
        with self._lock:
            self.concurrency = concurrency
            self._crew.resize(concurrency, anew=anew)
            self._wake()

    def stop(self) -> None:
        """Start no more jobs; the children end after their present ones."""
        with self._lock:
            self._stopping = True
            self._crew.close()
            self._wake()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the children are gone and the last outcome was reported."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def abandon(self) -> list[Job]:
        """Kill the children; return every job that was not reported, those that ran included."""
        with self._lock:
            self._stopping = True
            self._crew.kill()
            self._wake()
        self.join(COLD)
        with self._lock:
            left = list(self._crew.line)
            self._crew.line.clear()
            for member in self._crew.members.values():
                left += member.jobs.values()
                member.jobs.clear()
            self._load -= len(left)
        return left

    # --- the pool's thread ---

    def _run(self) -> None:
        while not self._ended:
            try:
                ready = self._selector.select(self._rest)
                with self._lock:
                    done = self._round({key.fileobj for key, _ in ready})
                if done:
                    self._report(done)
            except Exception:
                logger.exception("prefork: a round failed (will go on)")
                self._rest = AFTER_ERROR
        self._selector.close()
        os.close(self._woken)
        with self._lock:
            os.close(self._wake_up)
            self._wake_up = -1
        self._server.close()

    def _round(self, ready: Collection[object]) -> list[tuple[Job, Outcome]]:
        """Hear, decide, send; return what is to be reported."""
        crew, now = self._crew, monotonic()
        if self._woken in ready:
            os.read(self._woken, 1 << 12)
        for member in list(crew.members.values()):
            if member.outcomes in ready:
                self._hear(member, now)
            if member.outlet.fd in ready:
                member.outlet.flush()
        if self._server in ready:
            self._read_news(now)
        crew.hire(now)
        crew.level(now)
        crew.deal(now)
        if crew.lost_server:
            crew.refuse()
        self._watch_full_pipes()
        self._ended = crew.over and self._stopping
        self._rest = crew.rest(now)
        self._until = float("inf") if self._rest is None else now + self._rest
        done, crew.done = crew.done, []
        self._load -= len(done)
        return done

    def _hear(self, member: Member, now: float) -> None:
        self._crew.hear(member, now)
        if member.silent:  # or its end of file would be heard for ever
            self._selector.unregister(member.outcomes)

    def _read_news(self, now: float) -> None:
        try:
            for news in self._server.news():
                self._crew.learn(news, now)
        except EOFError:
            self._selector.unregister(self._server)
            self._crew.lose_server(now)

    def _watch(self, member: Member) -> None:
        self._selector.register(member.outcomes, selectors.EVENT_READ)

    def _forget(self, member: Member) -> None:
        """Stop listening to a dead child, before its pipes are closed."""
        for fd in (member.outcomes, member.outlet.fd):
            if fd in self._selector.get_map():
                self._selector.unregister(fd)

    def _watch_full_pipes(self) -> None:
        """Listen for room in the jobs pipes that something waits for."""
        watched = self._selector.get_map()
        for member in self._crew.members.values():
            outlet = member.outlet
            if outlet.full != (outlet.fd in watched):
                if outlet.full:
                    self._selector.register(outlet.fd, selectors.EVENT_WRITE)
                else:
                    self._selector.unregister(outlet.fd)

    def _wake(self) -> None:
        """End the thread's present rest."""
        if self._wake_up >= 0:
            try:
                os.write(self._wake_up, b".")
            except BlockingIOError:  # it has been told often enough
                return

"""Jobs of this worker that were revoked after it had claimed them: they do not start, and if asked for, they end.

That a job is revoked stands in its row, whatever happens here. Next room: the pools.
"""

from __future__ import annotations

import threading
from signal import SIGKILL
from signal import SIGUSR1 as WARNING
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.control import signal_of
from sqlqueue.domain.outcome import Outcome, Revoked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.domain.job import Job
    from sqlqueue.worker.held import Held
    from sqlqueue.worker.pools.pool import Pool, Report

KNOWN = 10.0
"""Seconds for which a revocation may come before the answer to the claim that it is about."""

GRACE = 5.0
"""Seconds after a signal until a process that is still in that job is killed."""

FIRST_TRY = 0.005
LONGEST_TRY = 0.5
"""Seconds between two tries to end a job that is held and does not run: from the first to the second."""


class Ending(NamedTuple):
    """A job that is to end: the token of its claim, by which signal, when to try again, how long to rest then."""

    token: int
    by: int
    due: float
    rest: float = FIRST_TRY


class Revocations:
    """What one worker knows of revoked jobs.

    Parameters
    ----------
    report: is told of jobs that are over before they started.
    """

    def __init__(self, held: Held, pool: Pool, report: Report, clock: Clock) -> None:
        self._held = held
        self._pool = pool
        self._report = report
        self._clock = clock
        self._known: dict[tuple[str, int], float] = {}
        self._heard = 0
        self._endings: dict[str, Ending] = {}
        self._lock = threading.Lock()

    def hand_over(self, jobs: Sequence[Job]) -> None:
        """Give claimed jobs to the pool, but for those that are known to be revoked; called for each claim."""
        heard = self._heard
        if self._known:
            jobs = self._sifted(jobs)
        self._pool.submit(jobs)
        if heard != self._heard:  # one was heard of in between, and not found in the pool
            self._stop_unstarted(self._known)

    def heed(self, jobs: Sequence[tuple[str, int]], signal: str | None) -> None:
        """Take note of revoked jobs, pairs of id and token; with a signal end those that run."""
        now = self._clock.monotonic()
        with self._lock:
            known = {key: since for key, since in self._known.items() if now - since < KNOWN}
            self._known = {**known, **dict.fromkeys(jobs, now)}
            self._heard += 1
        self._stop_unstarted([(id_, token) for id_, token in jobs])
        if signal is not None:
            by = signal_of(signal)
            for id_, token in jobs:
                before = self._endings.get(id_)
                if before is None or before.token != token or by == SIGKILL:  # else it has been sent a signal already
                    self._endings[id_] = Ending(token, by, now)

    def tick(self) -> float:
        """End what is to end and return the seconds until it is to be tried again; infinite when nothing is."""
        now = self._clock.monotonic()
        for id_, ending in list(self._endings.items()):
            if self._held.tokens.get(id_) != ending.token:
                del self._endings[id_]  # over, or no longer ours
            elif ending.due <= now:
                self._try(id_, ending, now)
        return max(min((one.due for one in self._endings.values()), default=float("inf")) - now, 0.0)

    def _try(self, id_: str, ending: Ending, now: float) -> None:
        reason = Revoked(f"terminated by {signal_of(ending.by).name}")
        if not self._pool.end(id_, reason, ending.by):
            self._endings[id_] = ending._replace(due=now + ending.rest, rest=min(ending.rest * 2, LONGEST_TRY))
        elif ending.by == WARNING:
            del self._endings[id_]  # it was asked to give up, no more
        else:
            self._endings[id_] = ending._replace(by=SIGKILL, due=now + GRACE)

    def _sifted(self, jobs: Sequence[Job]) -> list[Job]:
        known = self._known
        self._end([job for job in jobs if (job.id, job.token) in known])
        return [job for job in jobs if (job.id, job.token) not in known]

    def _stop_unstarted(self, revoked: Iterable[tuple[str, int]]) -> None:
        ids = {id_ for id_, token in revoked if self._held.tokens.get(id_) == token}
        if ids:
            self._end(self._pool.take_back(ids))

    def _end(self, jobs: Sequence[Job]) -> None:
        done: list[tuple[Job, Outcome]] = [(job, Revoked("revoked before it started")) for job in jobs]
        if done:
            self._report(done)

"""What the consumer knows of a pool."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from signal import SIGKILL
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlqueue.domain.job import Job
from sqlqueue.domain.outcome import Outcome
from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections import deque

    from sqlqueue.worker.limits import LimitBook

Report = Callable[[Sequence[tuple[Job, Outcome]]], None]
"""Takes finished jobs with their outcomes; may be called from any thread, must return quickly."""


class Executing(NamedTuple):
    """A job that runs: since when, monotonic, and in which process."""

    job: Job
    started: float
    pid: int


class Survey(NamedTuple):
    """What a pool was doing a moment ago: what is quick has ended since."""

    running: list[Executing]
    waiting: list[Job]


class Pool(Protocol):
    """Runs jobs. Every job submitted is reported exactly once, or handed back by `take_back`."""

    kind: str
    limits: LimitBook

    @property
    def concurrency(self) -> int:
        """Jobs at a time; see `resize`."""

    @property
    def load(self) -> int:
        """How many jobs were submitted and are neither reported nor taken back."""

    @property
    def running(self) -> int:
        """How many jobs run right now."""

    @property
    def lost(self) -> bool:
        """Whether the pool is broken for good, so that its worker must end."""

    @property
    def room(self) -> int:
        """Jobs at a time that it can be resized to at most."""

    @property
    def processes(self) -> list[int]:
        """The ids of the processes that jobs run in."""

    def survey(self) -> Survey:
        """Return the jobs that run and those that wait for their turn, for whoever asks."""

    def start(self) -> None:
        """Make the threads or processes."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs over; they start in this order as slots get free."""

    def take_back(self, ids: Collection[str] | None = None) -> list[Job]:
        """Return the jobs that have not started, all or those of these ids; they will not."""

    def stuck_since(self) -> float | None:
        """Return the monotonic moment since which every slot has been busy with one job; None: some slot is free."""

    def end(self, id_: str, outcome: Outcome, by: int = SIGKILL) -> bool:
        """End a running job with this outcome, whatever it does; tell whether it was found running.

        Its process is killed, its coroutine cancelled, its thread left to itself and replaced. In a solo pool an
        exception is raised in it, no more.

        Parameters
        ----------
        by: the signal that its process is sent, where it has one of its own: one that it may survive.
        """

    def resize(self, concurrency: int, *, anew: bool = False) -> None:
        """Run so many jobs at a time from now on; raises ConfigError when this pool cannot.

        Parameters
        ----------
        anew: in new processes; the present ones end after their present jobs.
        """

    def stop(self) -> None:
        """Start no more jobs and let the running ones finish; returns at once."""

    def join(self, timeout: float | None = None) -> bool:
        """Wait up to ``timeout`` seconds until all is over; True if it is."""

    def abandon(self) -> list[Job]:
        """Cold shutdown: kill what can be killed; return every job that was not reported."""


def take_back_of(pool: Pool, queues: Collection[str]) -> list[Job]:
    """Take back what waits in a pool of these queues."""
    ids = [job.id for job in pool.survey().waiting if job.queue in queues] if queues else []
    return pool.take_back(ids) if ids else []


def take_from(line: deque[Job], ids: Collection[str] | None) -> list[Job]:
    """Take the jobs of these ids, or all, out of a line from which other threads take them too."""
    taken = []
    for job in list(line):
        if ids is None or job.id in ids:
            try:
                line.remove(job)
            except (ValueError, IndexError):  # somebody was quicker
                continue
            taken.append(job)
    return taken


def refuse_anew(kind: str, *, anew: bool) -> None:
    """Raise ConfigError when a pool without children is to have new ones."""
    if anew:
        raise ConfigError(f"a {kind} pool has no children to replace: restart the worker, or use --pool prefork")

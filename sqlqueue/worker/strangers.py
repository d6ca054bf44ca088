"""Jobs whose task this worker does not know, as in the middle of a deploy: it never runs them and never fails them.

Where another live worker knows the task they go back at once and are left to it. Else they go back with a growing
pause: somebody may know the task soon, and when nobody does for long enough the leader fails them. A task that was
registered only since the worker's start is no stranger: see ``newcomers``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlqueue.canvas.shapes import BUILTINS
from sqlqueue.domain.outcome import LONGEST_PAUSE, NOT_REGISTERED, Returned
from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.ops.unknown import known_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.store.link import Link
    from sqlqueue.worker.newcomers import Newcomers

    Refusal = Callable[[Job], Outcome | None]

FIRST_PAUSE = 1.0
"""Seconds that jobs wait at first whose task nobody knows: then as long as that has been so, however many they are."""

ASK_AGAIN = 5.0
"""Seconds after which one asks again who is there to run what is left to others."""


class Strangers:
    """Turns strangers away, and remembers whom to leave to others.

    Parameters
    ----------
    tasks: names of the tasks that this worker knows.
    """

    def __init__(self, tasks: Collection[str], clock: Clock) -> None:
        self._tasks = frozenset(tasks).union(BUILTINS)
        self._clock = clock
        self._met: dict[str, float] = {}  # when each was met first
        self._ask_at = 0.0
        self.shunned: list[str] = []
        self.also: list[Refusal] = []
        """Others that may turn a claimed job away, by saying what becomes of it."""
        self.newcomers: Newcomers | None = None
        """Finds the tasks that were not known from the start."""

    def turn_away(self, link: Link, jobs: Sequence[Job]) -> list[tuple[Job, Outcome]]:
        """Return the strangers among ``jobs``, each with how it goes back."""
        strangers = [job for job in jobs if job.task not in self._tasks]
        if strangers and self._learn(link):
            strangers = [job for job in strangers if job.task not in self._tasks]
        refused = [(job, outcome) for job in jobs if (outcome := self._refusal(job))] if self.also else []
        if not strangers:
            return refused
        names = {job.task for job in strangers}
        self._ask(link, names)
        return [*refused, *((job, self._sent_back(job.task)) for job in strangers)]

    def _refusal(self, job: Job) -> Outcome | None:
        if job.task not in self._tasks:
            return None
        return next((outcome for ask in self.also if (outcome := ask(job)) is not None), None)

    def ask_again(self, link: Link) -> None:
        """From time to time, see whether those to whom jobs are left still live; learn new tasks when told to."""
        due = bool(self.shunned) and self._clock.monotonic() >= self._ask_at
        if due or (self.newcomers is not None and self.newcomers.expected()):
            self._learn(link)
        if due:
            self._ask(link, set())

    def _learn(self, link: Link) -> bool:
        """Look for tasks that were registered since; return whether there were any."""
        new = () if self.newcomers is None else self.newcomers.learn(link)
        self._tasks = self._tasks.union(new)
        self.shunned = [name for name in self.shunned if name not in new]
        return bool(new)

    def _ask(self, link: Link, names: set[str]) -> None:
        self._ask_at = self._clock.monotonic() + ASK_AGAIN
        with suppress(StoreUnavailable):  # then the jobs go back with a pause, which can do no harm
            self.shunned = sorted(link.read(known_elsewhere, sorted(names.union(self.shunned))))

    def _sent_back(self, name: str) -> Returned:
        now, quiet = self._clock.monotonic(), name in self._met
        known_for = now - self._met.setdefault(name, now)
        pause = 0.0 if name in self.shunned else min(max(known_for, FIRST_PAUSE), LONGEST_PAUSE)
        return Returned(pause, f"{NOT_REGISTERED}: this worker has no task named {name!r}", quiet=quiet)

"""The lanes of jobs under limits of the whole fleet: which there are, which to ask for jobs now, which later.

A worker that meets no such job looks for them a few times a second while it works, and otherwise does nothing here.
Next room: ``store.ops.grant``, which counts and claims.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlqueue.domain.outcome import Returned
from sqlqueue.domain.quota import (
    BLOCKED_LOOK,
    LOCKED_LOOK,
    QUEUE,
    TASK,
    UNLIMITED,
    Quota,
    read_limits,
    read_quota,
    write_limits,
)
from sqlqueue.store.ops.claim import lanes as plain_lanes
from sqlqueue.store.ops.grant import LimitedLane, ensure_limits, grant, limited_lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sqlqueue.domain.clock import Clock
    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.store.link import Link

LOOK = 0.25
"""Seconds between two searches for lanes while none is known, at most four a second."""

LOOK_KNOWING = 0.02
"""The same while some are known: new ones come with their first job."""

WINDOW = 200
"""Lanes found by one search; where there are more, the next one goes on behind them."""

NEVER = float("inf")

TOGETHER = 50
"""Lanes that are asked for jobs at a time."""

Place = tuple[str, str | None, int]
"""A lane: its queue, what its rows say of limits, its priority if they say nothing."""


class LimitedLanes:
    """What one worker knows of limited jobs.

    Parameters
    ----------
    queues: those that it serves, asked anew each time.
    settings: limits by their names; what an operator has set counts instead.
    """

    def __init__(self, queues: Callable[[], Sequence[str]], settings: Mapping[str, object], clock: Clock) -> None:
        self._queues = queues
        self._clock = clock
        self._settings = {name: read_quota(given) for name, given in settings.items()}
        self._paused: frozenset[str] = frozenset()
        self._after: dict[str, str] = {}
        self._ensured: set[str] = set()
        self._lanes: dict[Place, float] = {}  # and when to ask it for jobs
        self._under: defaultdict[str, set[Place]] = defaultdict(set)  # the lanes that are under a limit
        self._next = NEVER
        self._held: dict[str, Place] = {}  # job id to the lane that it was claimed from
        self._look_at = 0.0
        self._heard = True
        self._first = False
        self.learn(frozenset(), {})

    def learn(self, paused: frozenset[str], limits: Mapping[str, Quota]) -> frozenset[str]:
        """Take note of the queues to leave alone and of limits that were set; return what other claims leave alone."""
        self._paused = paused
        names = limits.keys() | self._settings.keys()
        self.whole = frozenset(name.removeprefix(QUEUE) for name in names if name.startswith(QUEUE))
        self.tasks = frozenset(name.removeprefix(TASK) for name in names if name.startswith(TASK))
        self._look_at, self._heard = 0.0, True
        known, self._lanes = self._lanes, {}
        self._under.clear()
        for place in known:
            if place[1] is not None or place[0] in self.whole:
                self._know(place)
        return paused | self.whole

    def heard(self) -> None:
        """Take note that something new may stand somewhere."""
        self._heard = True

    def goes_first(self, link: Link) -> bool:
        """Tell whether limited jobs are to be claimed before others: every other time, when there may be some.

        Also searches for lanes, when it is time to.
        """
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._search(link)
            self._look_at, self._heard = now + (LOOK_KNOWING if self._lanes else LOOK), False
        self._first = not self._first and self._next <= now
        return self._first

    def rest(self, seconds: float) -> float:
        """Return for how long the consumer may rest, which would otherwise rest for ``seconds``."""
        soonest = min(self._next, self._look_at) if self._heard else self._next
        return seconds if soonest == NEVER else min(max(soonest - self._clock.monotonic(), 0.0), seconds)

    def claim(self, link: Link, worker: str, at_most: int, shunned: Sequence[str]) -> list[Job]:
        """Claim up to ``at_most`` jobs for ``worker``, an incarnation, from the lanes whose time has come."""
        now = self._clock.monotonic()
        if self._next > now or at_most <= 0:
            return []
        served = frozenset(self._queues()) - self._paused
        due = [place for place, at in self._lanes.items() if at <= now and place[0] in served]
        places = sorted(due, key=self._lanes.__getitem__)[:TOGETHER]
        if not places:
            self._count()
            return []
        asked = [LimitedLane(*place, self._quotas(place)) for place in places]
        names = {name for lane in asked for name, _ in lane.quotas}
        if not names <= self._ensured:
            link.run(ensure_limits, sorted(names - self._ensured))
            self._ensured |= names
        granted = link.run(grant, worker, asked, at_most, shunned)
        self._take_note(places, granted.look_in)
        for job, n in granted.jobs:
            self._held[job.id] = places[n]
        return [job for job, _ in granted.jobs]

    def keep(self, held: Collection[str]) -> None:
        """Take note of the jobs that are held still: the slots of all others are free."""
        gone = self._held.keys() - held if self._held else ()
        freed = {name for id_ in gone for name, _ in self._quotas(self._held.pop(id_))}
        for name in freed:
            for place in self._under.get(name, ()):
                self._lanes[place] = self._next = 0.0

    def inherited(self, job: Job) -> str | None:
        """Return what copies of a claimed job, in other queues, are to say of the limits that it is under itself."""
        place = self._held.get(job.id)
        own = read_limits(place[1]) if place else ()
        of_queue = [(QUEUE + job.queue, UNLIMITED)] if job.queue in self.whole else []
        return write_limits([*own, *of_queue])

    def misplaced(self, jobs: Iterable[Job]) -> list[tuple[Job, Outcome]]:
        """Return the jobs whose task is limited and whose rows do not say so, each with how it goes back."""
        found: list[tuple[Job, Outcome]] = []
        for job in jobs:
            if job.task in self.tasks:
                place = self._held.get(job.id)
                limits = read_limits(place[1]) if place else []
                if TASK + job.task not in dict(limits):
                    self._held.pop(job.id, None)
                    more = write_limits([*limits, (TASK + job.task, UNLIMITED)])
                    found.append((job, Returned(quiet=True, limits=more)))
                    self._heard = True
        return found

    def forget(self) -> None:
        """Start over: what was held is others' now."""
        self._held.clear()
        self._ensured.clear()
        self._look_at = 0.0

    def _know(self, place: Place) -> None:
        if place not in self._lanes:
            self._lanes[place] = self._next = 0.0
            for name, _ in self._quotas(place):
                self._under[name].add(place)

    def _drop(self, place: Place) -> None:
        if self._lanes.pop(place, None) is not None:
            for name, _ in self._quotas(place):
                self._under[name].discard(place)
                if not self._under[name]:
                    del self._under[name]

    def _count(self) -> None:
        """Work out when the next lane is to be asked."""
        served = frozenset(self._queues()) - self._paused
        self._next = min((at for place, at in self._lanes.items() if place[0] in served), default=NEVER)

    def _quotas(self, place: Place) -> tuple[tuple[str, Quota], ...]:
        queue, limits, _ = place
        names = [*read_limits(limits), *([(QUEUE + queue, UNLIMITED)] if queue in self.whole else [])]
        return tuple((name, self._settings.get(name, quota)) for name, quota in names)

    def _search(self, link: Link) -> None:
        """Look for lanes: all that there are, or as many as one search finds, behind those that the last one found."""
        queues = self._queues()
        found: list[Place] = [
            (queue, limits, 0)
            for queue, limits in link.read(
                limited_lanes, [(queue, self._after.get(queue, "")) for queue in queues], WINDOW
            )
        ]
        if len(found) < WINDOW:
            self._after = {}
        else:
            self._after = {queue: limits or "" for queue, limits, _ in found}
        if whole := self.whole.intersection(queues):
            found += [(queue, None, priority) for queue, priority in link.read(plain_lanes, sorted(whole))]
        for place in found:
            self._know(place)

    def _take_note(self, places: Sequence[Place], look_in: Sequence[float | None]) -> None:
        now = self._clock.monotonic()
        many = max(len(self._lanes) / WINDOW, 1.0)  # full ones among very many are looked at more rarely
        for place, seconds in zip(places, look_in, strict=True):
            if seconds is None:
                self._drop(place)
            else:
                self._lanes[place] = now + (seconds * many if seconds == BLOCKED_LOOK else seconds)
                if seconds == LOCKED_LOOK:  # or its row is gone
                    self._ensured.difference_update(name for name, _ in self._quotas(place))
        self._count()

"""What this worker tells to whoever watches from afar: events, in batches, while somebody wants them.

While nobody does it hears of nothing: its ears are taken off the bus, so that a job costs what it did before. What it
hears is put aside as it is; a chore makes dicts of it, and writes them twice a second at most.
"""

from __future__ import annotations

import os
import platform
import threading
from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.domain.job import Job
from sqlqueue.events.catalog import JobsClaimed
from sqlqueue.events.stream import ENDS, RAN, ended, event_of, received
from sqlqueue.store.ops.events import prune_events, tell_events
from sqlqueue.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlqueue.domain.clock import Clock
    from sqlqueue.events.bus import Bus
    from sqlqueue.events.catalog import Event
    from sqlqueue.store.link import Link
    from sqlqueue.worker.pools.pool import Survey

SPACING = 0.5
"""Seconds between two statements."""

BATCH = 2000
"""Events in one statement."""

MOST_KEPT = 10_000
"""Events that wait to be written; beyond, the oldest are dropped, and counted."""

BEAT = 2.0
"""Seconds between two heartbeats: Celery's."""

PRUNE = 10.0
"""Seconds between two looks for events that are too old."""

ASLEEP = 60.0

SOFTWARE = {"sw_ident": "sqlqueue", "sw_ver": __version__, "sw_sys": platform.system()}


class Word(NamedTuple):
    """Something that the worker says of itself."""

    type: str
    fields: dict[str, Any]


class Heard(NamedTuple):
    """Something that was heard, and when, in seconds since 1970."""

    at: float
    what: Event | Job | Word


class Stream:
    """One worker's events.

    Parameters
    ----------
    name: the worker's.
    survey: says what runs in its pool.
    processed: says how many jobs of each task it has begun.
    untold: returns the names of tasks that nothing is said of.
    always: whether it tells while nobody watches too, as after ``-E``.
    """

    def __init__(
        self, name: str, bus: Bus, survey: Callable[[], Survey], processed: Callable[[], Mapping[str, int]],
        clock: Clock, untold: Callable[[], frozenset[str]] = frozenset, *, always: bool = False,
    ) -> None:  # fmt: skip
        self._name = name
        self._bus = bus
        self._survey = survey
        self._processed = processed
        self._clock = clock
        self._untold = untold
        self.enabled: bool | None = True if always else None
        """Whether tasks are told of, as somebody has said; None: while somebody watches."""
        self.watched = False
        self.dropped = 0
        self.wake: Callable[[], object] = lambda: None
        self._always = always
        self._hears = False
        self._switching = threading.Lock()
        self._waiting: deque[Heard] = deque()
        self._lost = 0
        self._lock = threading.Lock()
        self._started: dict[str, float] = {}
        self._beat_at = self._prune_at = 0.0
        self.say("worker-online")
        self._switch()

    @property
    def on(self) -> bool:
        """Whether anything is told at all."""
        return self.watched or self._always or self.enabled is True

    @property
    def tells_tasks(self) -> bool:
        """Whether it is told what becomes of jobs."""
        return self.on and self.enabled is not False

    def notice(self, watched: bool) -> None:
        """Take note whether somebody watches."""
        if watched != self.watched:
            self.watched = watched
            self._switch()

    def enable(self, enabled: bool) -> bool:
        """Tell of tasks from now on, whoever watches, or do not; return whether that is new."""
        if self.enabled is enabled:
            return False
        self.enabled = enabled
        self._switch()
        return True

    def _switch(self) -> None:
        with self._switching:
            hears = self.tells_tasks
            if hears != self._hears:
                self._hears = hears
                change = self._bus.subscribe if hears else self._bus.unsubscribe
                change(self._claimed, JobsClaimed)
                change(self._ended, *ENDS)
        self._beat_at = 0.0
        self.wake()

    def say(self, type_: str, **fields: Any) -> None:
        """Tell something, soon."""
        self._keep([Heard(self._clock.now().timestamp(), Word(type_, fields))])

    def beat(self) -> None:
        """Tell, soon, that the worker lives and how it is."""
        self._beat_at = 0.0
        self.wake()

    def tick(self, link: Link) -> float:
        """Write what has been heard; return the seconds until it is to be called again."""
        if not self.on:
            with self._lock:
                self._waiting.clear()
            return ASLEEP
        now = self._clock.monotonic()
        if now >= self._beat_at:
            self._beat_at = now + BEAT
            self.say("worker-heartbeat", **self._vitals())
        events = [event for one in self._taken() for event in self._written(one)] + self._runs(now)
        events.sort(key=itemgetter("timestamp"))
        if self._lost:
            events.insert(0, self._event("events-dropped", self._clock.now().timestamp(), {"count": self._forgiven()}))
        if events:
            self._write(link, events)
        if now >= self._prune_at:
            self._prune_at = now + PRUNE
            link.run(prune_events)
        return SPACING

    def leave(self, link: Link) -> None:
        """Write what is left, and that the worker is gone."""
        if self.on:
            self.say("worker-offline", **self._vitals())
            while self._waiting:
                self._write(link, [event for one in self._taken() for event in self._written(one)])

    def _write(self, link: Link, events: list[dict[str, Any]]) -> None:
        try:
            link.run(tell_events, events, always=True)
        except BaseException:
            with self._lock:
                self._lost += len(events)
            raise

    def _claimed(self, event: Any) -> None:
        at = self._clock.now().timestamp()
        untold = self._untold()
        self._keep([Heard(at, job) for job in event.jobs if job.task not in untold])

    def _ended(self, event: Any) -> None:
        if event.task in self._untold():
            return
        self._keep([Heard(self._clock.now().timestamp(), event)])

    def _keep(self, heard: list[Heard]) -> None:
        with self._lock:
            self._waiting += heard
            while len(self._waiting) > MOST_KEPT:
                self._waiting.popleft()
                self._lost += 1

    def _taken(self) -> list[Heard]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]

    def _forgiven(self) -> int:
        with self._lock:
            lost, self._lost = self._lost, 0
        self.dropped += lost
        return lost

    def _runs(self, now: float) -> list[dict[str, Any]]:
        """Return the starts of jobs that run and have not been told of; forget those that are over."""
        if not self.tells_tasks:
            return []
        running = [one for one in self._survey().running if one.job.task not in self._untold()]
        epoch = self._clock.now().timestamp() - self._clock.monotonic()
        new = [one for one in running if one.job.id not in self._started]
        young = {id_: seen for id_, seen in self._started.items() if now - seen < ASLEEP}
        self._started = {**young, **{one.job.id: now for one in running}}
        return [self._event("task-started", epoch + one.started, {"uuid": one.job.id, "pid": one.pid}) for one in new]

    def _written(self, heard: Heard) -> list[dict[str, Any]]:
        """Return what was heard as events; of a run that was not seen while it lasted also its start."""
        what = heard.what
        if isinstance(what, ENDS):
            type_, fields = ended(what)
            events = [self._event(type_, heard.at, fields)]
            if self._started.pop(what.id, None) is None and isinstance(what, RAN):
                events.insert(0, self._event("task-started", heard.at - what.runtime, {"uuid": what.id}))
            return events
        if isinstance(what, Word):
            return [self._event(what.type, heard.at, what.fields)]
        assert isinstance(what, Job)  # noqa: S101 - nothing else is kept
        return [self._event("task-received", heard.at, received(what))]

    def _event(self, type_: str, at: float, fields: Mapping[str, Any]) -> dict[str, Any]:
        return event_of(type_, self._name, os.getpid(), at, dict(fields))

    def _vitals(self) -> dict[str, Any]:
        return {
            "freq": BEAT,
            "active": len(self._survey().running),
            "processed": sum(self._processed().values()),
            "loadavg": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else [],
            **SOFTWARE,
        }

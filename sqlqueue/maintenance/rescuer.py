"""Takes back the jobs of dead workers.

A worker is dead when its process is seen to be gone on this host, or when the leader has watched its beat stand still
for long enough by the database's clock, on one unbroken connection: after a restart of the database every beat looks
old, so watching starts anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.events.catalog import JobsRescued
from sqlqueue.maintenance.homes import is_gone
from sqlqueue.store.ops.lease import take_lease
from sqlqueue.store.ops.rescue import rescue, strays
from sqlqueue.store.ops.workers import Sighting, observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.events.bus import Bus
    from sqlqueue.store.link import Link
    from sqlqueue.store.rows import Placed

LOOK = 1.0
"""Seconds between two looks at the other workers."""

SILENCE = 7.0
"""Seconds without a beat after which a worker is dead; it beats every 2."""

SILENCE_ONE_WRITER = 30.0
"""The same where one long transaction of a user can keep everybody from writing a beat."""

LEASE = 5.0
"""Seconds that the leader's lease lasts beyond its last renewal."""

STRAYS = 60.0
"""Seconds between two searches for running jobs whose worker has signed off or never was."""


class Rescuer:
    """One worker's eye on the others.

    Parameters
    ----------
    incarnation: our own, asked anew each time.
    placed: is told which jobs wait again.
    """

    def __init__(
        self,
        incarnation: Callable[[], str],
        bus: Bus,
        placed: Callable[[list[Placed]], object],
        *,
        many_writers: bool,
    ) -> None:
        self._incarnation = incarnation
        self._bus = bus
        self._placed = placed
        self._silence = SILENCE if many_writers else SILENCE_ONE_WRITER
        self._generation = -1
        self._last: dict[str, tuple[float, float]] = {}  # incarnation: its beat, and since when it has stood so
        self.is_leader = False

    def tick(self, link: Link) -> float:
        """Look once and rescue whoever is dead."""
        self.is_leader = link.run(take_lease, "leader", self._incarnation(), LEASE)
        workers = link.run(observe)
        if link.generation != self._generation:
            self._generation = link.generation
            self._last.clear()
        for worker in workers:
            if worker.incarnation != self._incarnation():
                reason = self._judge(worker)
                if reason is not None:
                    self._rescue(link, worker.incarnation, worker.name, reason)
        living = {worker.incarnation for worker in workers}
        self._last = {key: seen for key, seen in self._last.items() if key in living}
        return LOOK

    def _judge(self, worker: Sighting) -> str | None:
        """Return why the worker is dead, None while it may live."""
        gone = is_gone(worker.home, worker.pid)
        if gone:
            return f"its process {worker.pid} is gone"
        beat, since = self._last.get(worker.incarnation, (None, 0.0))
        if beat != worker.beat_at:
            self._last[worker.incarnation] = (worker.beat_at, worker.seen_at)
            return None
        silent = worker.seen_at - since
        if self.is_leader and silent > self._silence:
            return f"no beat for {silent:.0f} s"
        return None

    def search_strays(self, link: Link) -> float:
        """Leader only: rescue the jobs of workers that are no longer in the table as living."""
        if self.is_leader:
            for incarnation in link.run(strays):
                self._rescue(link, incarnation, incarnation, "its worker has signed off")
        return STRAYS

    def _rescue(self, link: Link, incarnation: str, name: str, reason: str) -> None:
        rescued = link.run(rescue, incarnation, f"worker {name} died: {reason}")
        self._last.pop(incarnation, None)
        if rescued.first or rescued.back or rescued.lost:
            self._bus.emit(JobsRescued(name, reason, len(rescued.back), len(rescued.lost)))
        self._placed(rescued.back)

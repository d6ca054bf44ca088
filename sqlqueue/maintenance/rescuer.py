"""Shows that this worker lives, and takes back the jobs of those that do not.

A worker is dead when its process is seen to be gone on this host, or when the leader has watched its beat stand still
for long enough by the database's clock, on one unbroken connection: after a restart of the database every beat looks
old, so watching starts anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.events.catalog import JobsRescued
from sqlqueue.maintenance.homes import is_gone
from sqlqueue.store.ops.rescue import rescue, strays
from sqlqueue.store.ops.watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.events.bus import Bus
    from sqlqueue.store.link import Link
    from sqlqueue.store.ops.workers import Sighting
    from sqlqueue.store.rows import Placed

LOOK = 2.0
"""Seconds between two beats of ours, and two looks at the other workers."""

LATE = 3.0
"""Seconds without a beat after which a worker is looked at more often."""

LOOK_AT_LATE = 0.5
"""Seconds between two looks while somebody is late."""

SILENCE = 7.0
"""Seconds without a beat after which a worker is dead."""

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
    signed_off: is told our incarnation when somebody has signed it off, for dead.
    placed: is told which jobs wait again.
    """

    def __init__(
        self,
        incarnation: Callable[[], str],
        signed_off: Callable[[str], object],
        bus: Bus,
        placed: Callable[[list[Placed]], object],
        *,
        many_writers: bool,
    ) -> None:
        self._incarnation = incarnation
        self._signed_off = signed_off
        self._bus = bus
        self._placed = placed
        self._silence = SILENCE if many_writers else SILENCE_ONE_WRITER
        self._generation = -1
        self._looked_at = 0.0  # by the database's clock
        self._watched: dict[str, float] = {}  # incarnation: since when we have watched it on this connection
        self.is_leader = False

    def tick(self, link: Link) -> float:
        """Beat, look once, and rescue whoever is dead."""
        ours = self._incarnation()
        self.is_leader, lives, workers = link.run(watch, "leader", ours, LEASE)
        if not lives:
            self._signed_off(ours)
        now = max((one.seen_at for one in workers), default=0.0)
        if link.generation != self._generation or now - self._looked_at > LEASE:
            # Who could not look for so long does not know whether the others could beat: the database may have gone.
            self._generation = link.generation
            self._watched.clear()
        self._looked_at = now
        self._watched = {one.incarnation: self._watched.get(one.incarnation, one.seen_at) for one in workers}
        longest = 0.0
        for worker in workers:
            if worker.incarnation != ours:
                longest = max(longest, self._silence_of(worker))
                reason = self._judge(worker)
                if reason is not None:
                    self._rescue(link, worker.incarnation, worker.name, reason)
        return LOOK_AT_LATE if longest > LATE else LOOK

    def _judge(self, worker: Sighting) -> str | None:
        """Return why the worker is dead, None while it may live."""
        if is_gone(worker.home, worker.pid):
            return f"its process {worker.pid} is gone"
        silent = self._silence_of(worker)
        if self.is_leader and silent > self._silence:
            return f"no beat for {silent:.0f} s"
        return None

    def _silence_of(self, worker: Sighting) -> float:
        """Return for how long we have seen the worker's beat stand still: both moments are the database's."""
        return worker.seen_at - max(worker.beat_at, self._watched[worker.incarnation])

    def search_strays(self, link: Link) -> float:
        """Leader only: rescue the jobs of workers that are no longer in the table as living."""
        if self.is_leader:
            for incarnation in link.run(strays):
                self._rescue(link, incarnation, incarnation, "its worker has signed off")
        return STRAYS

    def _rescue(self, link: Link, incarnation: str, name: str, reason: str) -> None:
        rescued = link.run(rescue, incarnation, f"worker {name} died: {reason}")
        if rescued.first or rescued.back or rescued.lost:
            self._bus.emit(JobsRescued(name, reason, len(rescued.back), len(rescued.lost)))
        self._placed(rescued.back + rescued.released.placed)

"""The broadcast queues of one worker: what it serves besides them, and what becomes of a job claimed from one.

Next room: ``domain.settlement``, by way of the settler: the job goes on as one that waits for its copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.canvas.shapes import JOIN
from sqlqueue.client.workflow import written
from sqlqueue.domain.broadcast import own_queue, spread
from sqlqueue.domain.ids import new_job_id
from sqlqueue.domain.outcome import Replaced, Returned
from sqlqueue.errors import StoreUnavailable
from sqlqueue.serialization.signing import signed
from sqlqueue.store.ops.workers import observe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.store.link import Link
    from sqlqueue.store.ops.workers import Sighting

TRY_AGAIN = 1.0
"""Seconds until a job is looked at again that could not be spread, since the database could not be asked."""


class Broadcasts:
    """What a worker knows of broadcast queues.

    Parameters
    ----------
    names: those that there are, whether it serves them or not.
    worker: its name.
    keys: those with which rows are signed; see ``serialization.signing``.
    """

    def __init__(self, names: Collection[str], worker: str, keys: Sequence[str] = ()) -> None:
        self._own = {name: own_queue(name, worker) for name in names}
        self.any = bool(self._own)
        self._keys = keys

    def served(self, queues: Iterable[str]) -> tuple[str, ...]:
        """Return what a worker serves which is to serve ``queues``: behind each broadcast queue its own one too."""
        own = set(self._own.values())
        given = [queue for queue in dict.fromkeys(queues) if queue not in own]
        return tuple(one for queue in given for one in (queue, self._own.get(queue)) if one is not None)

    def paused(self, queues: Iterable[str]) -> frozenset[str]:
        """Return these queues, and of broadcast ones the own ones: a pause holds for the copies too."""
        found = frozenset(queues)
        return found.union(self._own[queue] for queue in found.intersection(self._own))

    def weighed(self, weights: Mapping[str, int]) -> Mapping[str, int]:
        """Return the weights of queues, the own ones as heavy as those that they belong to."""
        return {**weights, **{self._own[queue]: weights[queue] for queue in weights if queue in self._own}}

    def spread(self, link: Link, jobs: Sequence[Job], limits: Callable[[Job], str | None]) -> list[tuple[Job, Outcome]]:
        """Return what becomes of those jobs that every worker is to do: each goes on as its copies.

        Parameters
        ----------
        limits: returns what copies are to say of limits of the whole fleet.
        """
        ours = [job for job in jobs if job.queue in self._own and job.task != JOIN and not job.expired]
        if not ours:
            return []
        try:
            workers = link.read(observe)
        except StoreUnavailable as error:
            return [(job, Returned(TRY_AGAIN, str(error))) for job in ours]
        return [(job, Replaced(self._copied(job, workers, limits(job)), 0.0)) for job in ours]

    def _copied(self, job: Job, workers: Iterable[Sighting], limits: str | None) -> str:
        """Return a job's copies, one for each living worker that serves its queue, as a workflow in its place."""
        theirs = {own for one in workers if (own := own_queue(job.queue, one.name)) in one.queues}
        queues = sorted({self._own[job.queue], *theirs})
        found = spread(job, queues, limits, JOIN, new_job_id)
        return written([*found.copies, signed(found.last, self._keys)], found.edges)

"""`Jobs` and `Queues`: what an operator does, for the command line, dashboards and scripts alike.

What is meant is said by a `Which`; large numbers go in batches, each a transaction of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlqueue.domain.control import HEED, Message, signal_of
from sqlqueue.domain.ids import new_job_id
from sqlqueue.domain.quota import QUEUE, Quota, check_name
from sqlqueue.errors import ConfigError
from sqlqueue.notify.channels import PAUSED, control_channel, queue_channel
from sqlqueue.store.ops import limits
from sqlqueue.store.ops import queues as verbs
from sqlqueue.store.ops.forget import forget
from sqlqueue.store.ops.jobs import LAST, JobDetails, JobRow, count_never_ran, list_jobs, show_job
from sqlqueue.store.ops.purge import purge
from sqlqueue.store.ops.redrive import redrive
from sqlqueue.store.ops.release import release
from sqlqueue.store.ops.revoke import revoke
from sqlqueue.store.ops.shift import database_clock
from sqlqueue.store.ops.wake import wake
from sqlqueue.store.ops.workers import observe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlqueue.domain.which import Which
    from sqlqueue.notify.waker import Waker
    from sqlqueue.store.ops.queues import Count
    from sqlqueue.store.ops.release import Released
    from sqlqueue.store.ops.workers import Sighting
    from sqlqueue.store.store import Store

BATCH = 1000
"""Jobs in one transaction."""

PATIENCE = 5.0
"""Seconds that an operator waits for a row that somebody has locked."""


class Sender(Protocol):
    """What is needed of the client."""

    store: Store
    waker: Waker


class Revoked(NamedTuple):
    """The ids of jobs that are over now, and of those that run and will have no other try."""

    ended: list[str]
    running: list[str]


class Jobs:
    """The jobs of one database."""

    def __init__(self, sender: Sender) -> None:
        self._store = sender.store
        self._waker = sender.waker

    def find(self, which: Which, limit: int = 50, before: str = LAST) -> list[JobRow]:
        """Return jobs, the newest first; ``before`` is the last id of the page before this one."""
        return self._store.read(list_jobs, which, limit, before)

    def never_ran(self, which: Which, least: str = "") -> int:
        """Count, of these jobs, those that are over though they never ran, since one that they waited for failed.

        Parameters
        ----------
        least: only those with this id or a later one.
        """
        return self._store.read(count_never_ran, which, least)

    def show(self, job_id: str) -> JobDetails | None:
        """Return everything about a job, None when there is none of that id."""
        return self._store.read(show_job, job_id)

    def revoke(
        self, which: Which, reason: str = "revoked", *, terminate: bool = False, signal: str | int = "SIGTERM"
    ) -> Revoked:
        """Revoke jobs: what waits is over at once; what runs goes on, but has no other try.

        Their workers are told, so that what they have claimed and not started does not start.

        Parameters
        ----------
        terminate: end what runs too: by this ``signal`` to its process in a prefork pool, where what is not gone after
            some seconds is killed; in other pools as a time limit does.

        Raises
        ------
        ConfigError: ``which`` says nothing, or there is no such signal.
        StoreUnavailable: somebody keeps one of them locked; what was done before that stays done.
        """
        _refuse_everything(which)
        how = signal_of(signal).name if terminate else None
        done = Revoked([], [])
        while True:
            telling = Message(new_job_id(), HEED, {"signal": how})
            batch = self._store.run(revoke, which, BATCH, reason, PATIENCE, telling)
            if batch.running:
                call_workers(self._store)
            self._waker.finished(batch.ended)
            self._see_through(batch.released)
            done.ended.extend(batch.ended)
            done.running.extend(one.id for one in batch.running)
            if which.ids is not None or not batch.met:
                return done

    def _see_through(self, released: Released) -> None:
        """Tell what became of those that waited, and go on where one transaction did not reach them all."""
        locked = bool(released.owed)  # looked at once more; if somebody locks them still, a sweep does it
        while True:
            self._waker.placed(released.placed)
            self._waker.finished(released.ended)
            if not released.rest and not locked:
                return
            released, locked = self._store.run(release, released.rest, released.owed), False

    def retry(self, which: Which) -> list[str]:
        """Let failed and revoked jobs run again, and with them what never ran since it waited for them.

        Returns their ids; others are left alone, and so is what fails again meanwhile.

        Raises
        ------
        ConfigError: ``which`` says nothing.
        StoreUnavailable: somebody keeps one of them locked; what was done before that stays done.
        """
        _refuse_everything(which)
        until = self._store.read(database_clock)
        done: dict[str, None] = {}
        for part in _parts(which):
            while (batch := self._store.run(redrive, part, BATCH, until, PATIENCE)).ids:
                self._waker.placed(batch.placed)
                self._see_through(batch.released)
                done.update(dict.fromkeys(batch.ids))
                if part.ids is not None:
                    break
        return list(done)

    def forget(self, ids: Sequence[str]) -> list[str]:
        """Delete results and return the ids of those that there were; jobs that are not over are left alone."""
        return self._store.run(forget, ids)

    def purge(self, queues: Sequence[str]) -> int:
        """Throw away what waits in these queues, without a trace, and return how many jobs that were.

        Steps of workflows that waited for them, in whatever queue, end as revoked, bodies of chords as failed.
        """
        thrown = 0
        while (batch := self._store.run(purge, queues, BATCH)).jobs:
            self._see_through(batch.released)
            thrown += batch.jobs
        return thrown


class Queues:
    """The queues of one database."""

    def __init__(self, sender: Sender) -> None:
        self._store = sender.store

    def pause(self, name: str) -> None:
        """Let no worker claim from a queue, until `resume`; what is claimed already goes on.

        Workers hear of it at once, or see it within a second where they cannot hear; after a lost message, within 5 s.
        """
        self._store.run(verbs.pause, name)
        self._tell(name)

    def resume(self, name: str) -> bool:
        """Let workers claim again; False when the queue was not paused."""
        was = self._store.run(verbs.resume, name)
        self._tell(name)
        return was

    def paused(self) -> dict[str, datetime | None]:
        """Return the paused queues and since when they are."""
        return self._store.read(verbs.paused)

    def limit(self, name: str, quota: Quota | None) -> bool:
        """Set what a limit allows (``queue:NAME``, ``task:NAME`` or ``key:NAME``), or with None no longer do.

        Holds from the next claim on, whatever senders and settings say; a queue or a task that had no limit before has
        it when its workers have looked, as after `pause`. False when there was nothing to take away.

        Raises
        ------
        ConfigError: the name is none of a limit.
        """
        check_name(name)
        was = quota is not None or self._store.run(limits.clear_limit, name)
        if quota is not None:
            self._store.run(limits.set_limit, name, quota)
        if name.startswith(QUEUE):
            self._tell(name.removeprefix(QUEUE))
        return was

    def limits(self) -> list[limits.LimitRow]:
        """Return the limits that were set or are in use."""
        return self._store.read(limits.all_limits)

    def workers(self) -> list[Sighting]:
        """Return the workers that have not signed off."""
        return self._store.read(observe)

    def counts(self) -> list[Count]:
        """Count what is not over, for each queue, task and state."""
        return self._store.read(verbs.counts)

    def _tell(self, name: str) -> None:
        if self._store.dialect.notifies:
            self._store.run(wake, [(queue_channel(name, self._store.dialect.schema), PAUSED)])


def call_workers(store: Store) -> None:
    """Let workers look for commands at once, where they can be told."""
    if store.dialect.notifies:
        store.run(wake, [(control_channel(store.dialect.schema), "")])


def _refuse_everything(which: Which) -> None:
    if which.everything:
        raise ConfigError("this would mean every job there is: name some by id, queue, task or another filter")


def _parts(which: Which) -> list[Which]:
    """Split ids into batches."""
    if which.ids is None:
        return [which]
    ids = which.ids
    return [which._replace(ids=ids[start : start + BATCH]) for start in range(0, len(ids), BATCH)]

"""The worker's row: who it is, that it lives, and a new identity when it was taken for dead."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlqueue.domain.ids import new_incarnation
from sqlqueue.domain.settlement import GiveBack
from sqlqueue.events.catalog import WorkerReady, WorkerStopped, WorkerTwin
from sqlqueue.maintenance.homes import home_of
from sqlqueue.store.ops.rescue import rescue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.ops.workers import WorkerRecord, observe, register, serve, sign_off

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.events.bus import Bus
    from sqlqueue.store.link import Link
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.worker.broadcasts import Broadcasts


class Registration:
    """One worker process in the workers table.

    Parameters
    ----------
    name: the worker's name, unique if the user took care.
    queues: those that it is told to serve; besides them it serves its own ones of ``broadcasts``.
    """

    def __init__(
        self,
        name: str,
        queues: Sequence[str],
        broadcasts: Broadcasts,
        tasks: Registry,
        pool: str,
        concurrency: int,
        version: str,
        bus: Bus,
    ) -> None:
        pid = os.getpid()
        self._record = WorkerRecord(
            new_incarnation(), name, socket.gethostname(), pid, home_of(pid), pool, concurrency,
            list(broadcasts.served(queues)), list(tasks), version,
        )  # fmt: skip
        self.broadcasts = broadcasts
        self._bus = bus
        self._died = False
        self._changing = threading.Lock()
        self.transactional, self.untold = tasks.transactional, tasks.untold

    def introduced(self, jobs: Sequence[Job]) -> list[Job]:
        """Return jobs; those of ``transactional`` tasks, which settle them by themselves, with our incarnation."""
        mine = self.incarnation
        return [job._replace(worker=mine) if job.task in self.transactional else job for job in jobs]

    @property
    def incarnation(self) -> str:
        """The id of this start of this process, part of every fence."""
        return self._record.incarnation

    @property
    def name(self) -> str:
        """The worker's name."""
        return self._record.name

    @property
    def queues(self) -> Sequence[str]:
        """The queues that it serves."""
        return self._record.queues

    @property
    def tasks(self) -> Sequence[str]:
        """The names of the tasks that it knows."""
        return self._record.tasks

    def sign_on(self, link: Link) -> None:
        """Write the row, and warn of a living worker of the same name."""
        for other in link.run(observe):
            if other.name == self._record.name:
                self._bus.emit(WorkerTwin(other.name, other.pid))
        link.run(register, self._record)
        self._bus.emit(WorkerReady(self._record.name))

    def signed_off(self, incarnation: str) -> None:
        """Take note, in any thread, that somebody has signed this incarnation off."""
        if incarnation == self.incarnation:
            self._died = True

    def died(self) -> bool:
        """Whether somebody has signed this worker off; its consumer must start over."""
        return self._died

    def reincarnate(self, link: Link) -> None:
        """Sign on under a new identity, and take back what the old one may have claimed since it was signed off."""
        with self._changing:
            old = self.incarnation
            self._record = replace(self._record, incarnation=new_incarnation())
        link.run(register, self._record)
        link.run(rescue, old, "its worker was taken for dead")
        self._died = False

    def serve(self, link: Link, queues: Sequence[str]) -> None:
        """Say that the worker serves these queues from now on."""
        with self._changing:
            self._record = replace(self._record, queues=list(self.broadcasts.served(queues)))
        link.run(serve, self.incarnation, self._record.queues, self._record.tasks)

    def learn(self, link: Link, tasks: Registry) -> None:
        """Say that the worker knows these tasks from now on."""
        names = list(tasks)
        link.run(serve, self.incarnation, self._record.queues, names)
        with self._changing:
            self._record = replace(self._record, tasks=names)
        self.transactional, self.untold = tasks.transactional, tasks.untold

    def release(self, link: Link, tokens: Mapping[str, int]) -> None:
        """Give jobs back, uncharged, that this worker holds without knowing them."""
        link.run(settle, self.incarnation, [GiveBack(id_, started=False) for id_ in tokens], tokens)

    def sign_off(self, link: Link) -> None:
        """Say that the worker has stopped."""
        link.run(sign_off, self.incarnation)
        self._bus.emit(WorkerStopped(self._record.name))

"""Sends jobs and asks about them: on our own connection, or in the caller's transaction.

Next room: ``store.ops.enqueue``. The answer comes back through ``result``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sqlqueue.client import published
from sqlqueue.client.building import NO_SURROUNDINGS, Building, Surroundings
from sqlqueue.client.callers import Callers
from sqlqueue.client.contents import Contents
from sqlqueue.client.dispatching import Dispatcher
from sqlqueue.client.following import Following
from sqlqueue.client.keyed import Keyed
from sqlqueue.client.request import NO_DEFAULTS, CallOptions, Defaults
from sqlqueue.client.result import AsyncResult
from sqlqueue.client.started import Started, handle_on
from sqlqueue.client.teller import Teller
from sqlqueue.client.unique import has_key
from sqlqueue.client.waiting import Waiting
from sqlqueue.client.workflow import in_header, replacing
from sqlqueue.errors import ConnectionLost, WaitingInTask
from sqlqueue.events.catalog import JobSent
from sqlqueue.notify.channels import queue_channel
from sqlqueue.notify.waker import Waker
from sqlqueue.signals import PUBLISHES
from sqlqueue.store.ops.attach import attach
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlqueue.canvas.plan import Plan
    from sqlqueue.client.bind import Bound
    from sqlqueue.client.many import Call
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.workflow import Edge
    from sqlqueue.events.bus import Bus
    from sqlqueue.store.ops.unique import Kept
    from sqlqueue.store.store import Store


class Client:
    """The sender of one app."""

    result_type: type[AsyncResult[Any]] = AsyncResult
    """The class of handles on single jobs."""

    def __init__(self, store: Store, config: Config, bus: Bus, surroundings: Surroundings = NO_SURROUNDINGS) -> None:
        self.store = store
        self.contents = Contents(config)
        self.waker = Waker(store)
        self.waiting = Waiting(store)
        self.following = Following(self.waiting)
        self.config = config
        self._bus = bus
        self._surroundings = surroundings
        self._building = Building(config, surroundings)
        self.here = surroundings.here
        self.callers = Callers(store)
        self._keyed = Keyed(store, self.callers, self.waker, config)
        self.teller = Teller(store)
        self.dispatcher = Dispatcher(store)
        if config.task_send_sent_event:
            bus.subscribe(self.dispatcher.job_sent, JobSent)

    def send(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions,
        defaults: Defaults = NO_DEFAULTS,
    ) -> AsyncResult[Any]:  # fmt: skip
        """Insert one job and return a handle on it."""
        job = self._building.one(task, args, kwargs, options, defaults)
        if job.unique is not None:
            return self._kept([job], *self._keyed.put([job], options))[0]
        return self._sent(job, self._put(options, [job]))

    async def asend(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions,
        defaults: Defaults = NO_DEFAULTS,
    ) -> AsyncResult[Any]:  # fmt: skip
        """The same, awaited; on our own connection a helper thread does the waiting."""
        job = self._building.one(task, args, kwargs, options, defaults)
        if job.unique is not None:
            return self._kept([job], *await self._keyed.aput([job], options))[0]
        return self._sent(job, await self._aput(options, [job]))

    def send_many(
        self, task: str, calls: Iterable[Call], options: CallOptions, defaults: Defaults = NO_DEFAULTS
    ) -> list[AsyncResult[Any]]:
        """Insert jobs of one task in one transaction, and return handles on them in the order of the calls."""
        jobs = self._building.many(task, calls, options, defaults)
        if jobs and has_key(options, defaults):
            return self._kept(jobs, *self._keyed.put(jobs, options))
        bound = self._put(options, jobs) if jobs else None
        return [self._sent(job, bound) for job in jobs]

    async def asend_many(
        self, task: str, calls: Iterable[Call], options: CallOptions, defaults: Defaults = NO_DEFAULTS
    ) -> list[AsyncResult[Any]]:
        """The same, awaited."""
        jobs = self._building.many(task, calls, options, defaults)
        if jobs and has_key(options, defaults):
            return self._kept(jobs, *await self._keyed.aput(jobs, options))
        bound = await self._aput(options, jobs) if jobs else None
        return [self._sent(job, bound) for job in jobs]

    def start(self, plan: Plan, options: CallOptions) -> Started:
        """Insert all jobs of a workflow, and the edges between them, in one transaction."""
        jobs = self._building.of_plan(plan)
        if jobs and jobs[0].unique is not None:
            return self._kept(jobs, *self._keyed.put(jobs, options))[0]
        return self._started(plan, jobs, self._put(options, jobs, plan.edges) if jobs else None)

    async def astart(self, plan: Plan, options: CallOptions) -> Started:
        """The same, awaited."""
        jobs = self._building.of_plan(plan)
        if jobs and jobs[0].unique is not None:
            return self._kept(jobs, *await self._keyed.aput(jobs, options))[0]
        return self._started(plan, jobs, await self._aput(options, jobs, plan.edges) if jobs else None)

    def replacement(self, plan: Plan, job_id: str) -> str:
        """Return a workflow as text, to be put in the place of the job that runs here, which becomes its last."""
        return replacing(self._building.of_plan(plan, alone=False), plan.edges, job_id)

    def attach(self, plan: Plan, member: str, group: str | None) -> AsyncResult[Any] | None:
        """Add a workflow to the header of the chord that a running job is a member of; None when it is of none."""
        jobs = self._building.of_plan(plan, alone=False)
        ends_in = plan.handle.id if plan.handle is not None else ""
        jobs = [in_header(job, group) if job.id == ends_in else job for job in jobs]
        placed = self.store.run(attach, member, ends_in, jobs, plan.edges)
        if placed is None:
            return None
        self.waker.placed(placed)
        return self.result_type(ends_in, self)

    def _put(self, options: CallOptions, jobs: Sequence[NewJob], edges: Sequence[Edge] = ()) -> Bound | None:
        """Insert jobs where the call's options say; return the caller's connection if it was that."""
        given = self.callers.given(options)
        if PUBLISHES.watched:
            jobs = published.before(jobs, self.config.task_max_size)
        bound = None
        if given is None:
            self._insert(jobs, edges)
        else:
            bound = self.callers.bound(given)
            bound.after_commit(bound.run(enqueue(bound.dialect, jobs, None, edges)), self.waker.placed)
        if PUBLISHES.watched:
            published.after(jobs)
        return bound

    async def _aput(self, options: CallOptions, jobs: Sequence[NewJob], edges: Sequence[Edge] = ()) -> Bound | None:
        """The same, awaited."""
        given = self.callers.given(options)
        if PUBLISHES.watched:
            jobs = published.before(jobs, self.config.task_max_size)
        bound = None
        if given is None:
            await asyncio.to_thread(self._insert, jobs, edges)
        else:
            bound = await self.callers.abound(given)
            bound.after_commit(await bound.arun(enqueue(bound.dialect, jobs, None, edges)), self.waker.placed)
        if PUBLISHES.watched:
            published.after(jobs)
        return bound

    def _kept(self, jobs: Sequence[NewJob], kept: Sequence[Kept], bound: Bound | None) -> list[AsyncResult[Any]]:
        """Return handles on the jobs that stand for these now."""
        found = []
        for job, one in zip(jobs, kept, strict=True):
            if one.new:
                found.append(self._sent(job, bound))
                continue
            found.append(self.result_type(one.id, self, bound.in_transaction if bound is not None else None))
        return found

    def _sent(self, job: NewJob, bound: Bound | None) -> AsyncResult[Any]:
        if self._bus.wants(JobSent):
            self._bus.emit(JobSent(job.id, job.task, job.queue, job))
        result = self.result_type(job.id, self, bound.in_transaction if bound is not None else None)
        self._surroundings.sent(result)
        return result

    def _started(self, plan: Plan, jobs: Sequence[NewJob], bound: Bound | None) -> Started:
        """Tell of the jobs that were sent, and return the handle on what they end in."""
        if self._bus.wants(JobSent):
            for job in jobs:
                self._bus.emit(JobSent(job.id, job.task, job.queue, job))
        found = handle_on(plan.handle, self, bound.in_transaction if bound is not None else None)
        self._surroundings.sent(found)
        return found

    def _insert(self, jobs: Sequence[NewJob], edges: Sequence[Edge]) -> None:
        """Insert jobs on our own connection and tell their queues; when that breaks in the middle, once more.

        No job is inserted twice: the second time they count as jobs whose ids were given, which are also looked for
        among the results, since the first insert may have been committed, and they may even be over by now.
        """
        job, tell = jobs[0], None
        if len(jobs) == 1 and job.is_plain and not job.given_id and self.waker.may_speak():
            tell = queue_channel(job.queue, self.store.dialect.schema)
        try:
            placed = self.store.run(enqueue, jobs, tell, edges)
        except ConnectionLost:
            tell = None
            placed = self.store.run(enqueue, [job._replace(given_id=True) for job in jobs], None, edges)
            placed = placed or [Placed(job.id, job.queue, job.priority, None) for job in jobs]
        if tell is None:
            self.waker.placed(placed)

    def refuse_to_wait(self) -> None:
        """Raise `WaitingInTask` inside a task that has not been allowed to wait."""
        if not self._surroundings.may_wait():
            raise WaitingInTask

    def close(self) -> None:
        """Send the last wake-ups and close every connection."""
        self.teller.close()
        self._bus.unsubscribe(self.dispatcher.job_sent, JobSent)
        self.dispatcher.close()
        self.following.close()
        self.waiting.close()
        self.waker.close()
        self.store.close()

"""Sends jobs and asks about them: on our own connection, or in the caller's transaction.

Next room: ``store.ops.enqueue``. The answer comes back through ``result``.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.client.bind import Bound, Guard, abind, bind
from sqlqueue.client.group import Started, handle_on
from sqlqueue.client.request import NO_DEFAULTS, CallOptions, Defaults, build
from sqlqueue.client.result import AsyncResult
from sqlqueue.client.waiting import Waiting
from sqlqueue.client.workflow import NO_ANCESTRY, Ancestry, descended, in_header, jobs_of, written
from sqlqueue.errors import BindingError, ConnectionLost
from sqlqueue.events.catalog import JobSent
from sqlqueue.notify.channels import queue_channel
from sqlqueue.notify.waker import Waker
from sqlqueue.store.ops.attach import attach
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlqueue.canvas.plan import Plan
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.workflow import Edge
    from sqlqueue.events.bus import Bus
    from sqlqueue.store.store import Store


class Surroundings(NamedTuple):
    """What a sender is told of the app around it.

    ``ancestry`` returns the job that runs here, ``defaults_of`` what a task, by its name, says about its calls.
    """

    ancestry: Callable[[], Ancestry] = lambda: NO_ANCESTRY
    defaults_of: Callable[[str], Defaults] = lambda _: NO_DEFAULTS


NO_SURROUNDINGS = Surroundings()


class Binding:
    """What ``app.using`` has put into force for a block of code."""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.open = True
        self.task = _current_asyncio_task()


_binding: ContextVar[Binding | None] = ContextVar("sqlqueue_binding", default=None)


class Client:
    """The sender of one app."""

    def __init__(self, store: Store, config: Config, bus: Bus, surroundings: Surroundings = NO_SURROUNDINGS) -> None:
        self.store = store
        self.waker = Waker(store)
        self.waiting = Waiting(store)
        self._config = config
        self._bus = bus
        self._surroundings = surroundings
        self._guard = Guard(str(store))

    def send(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions,
        defaults: Defaults = NO_DEFAULTS,
    ) -> AsyncResult[Any]:  # fmt: skip
        """Insert one job and return a handle on it."""
        job = self._descended(build(task, args, kwargs, options, defaults, self._config))
        return self._sent(job, self._put(options, [job]))

    async def asend(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions,
        defaults: Defaults = NO_DEFAULTS,
    ) -> AsyncResult[Any]:  # fmt: skip
        """The same, awaited; on our own connection a helper thread does the waiting."""
        job = self._descended(build(task, args, kwargs, options, defaults, self._config))
        return self._sent(job, await self._aput(options, [job]))

    def start(self, plan: Plan, options: CallOptions) -> Started:
        """Insert all jobs of a workflow, and the edges between them, in one transaction."""
        jobs = jobs_of(plan, self._config, self._surroundings.defaults_of, self._surroundings.ancestry())
        return self._started(plan, jobs, self._put(options, jobs, plan.edges) if jobs else None)

    async def astart(self, plan: Plan, options: CallOptions) -> Started:
        """The same, awaited."""
        jobs = jobs_of(plan, self._config, self._surroundings.defaults_of, self._surroundings.ancestry())
        return self._started(plan, jobs, await self._aput(options, jobs, plan.edges) if jobs else None)

    def replacement(self, plan: Plan, job_id: str) -> str:
        """Return a workflow as text, to be put in the place of the job that runs here, which becomes its last."""
        jobs = jobs_of(plan, self._config, self._surroundings.defaults_of, self._surroundings.ancestry())
        return written(plan, jobs, job_id)

    def attach(self, plan: Plan, member: str, group: str | None) -> AsyncResult[Any] | None:
        """Add a workflow to the header of the chord that a running job is a member of; None when it is of none."""
        jobs = jobs_of(plan, self._config, self._surroundings.defaults_of, self._surroundings.ancestry())
        ends_in = plan.handle.id if plan.handle is not None else ""
        jobs = [in_header(job, group) if job.id == ends_in else job for job in jobs]
        placed = self.store.run(attach, member, ends_in, jobs, plan.edges)
        if placed is None:
            return None
        self.waker.placed(placed)
        return AsyncResult(ends_in, self)

    def _put(self, options: CallOptions, jobs: Sequence[NewJob], edges: Sequence[Edge] = ()) -> Bound | None:
        """Insert jobs where the call's options say; return the caller's connection if it was that."""
        given = self._given(options)
        if given is None:
            self._insert(jobs, edges)
            return None
        self._make_tables_on_first_use()
        bound = bind(given, self.store.dialect.schema)
        self._guard.check(bound)
        bound.after_commit(bound.run(enqueue(bound.dialect, jobs, None, edges)), self.waker.placed)
        return bound

    async def _aput(self, options: CallOptions, jobs: Sequence[NewJob], edges: Sequence[Edge] = ()) -> Bound | None:
        """The same, awaited."""
        given = self._given(options)
        if given is None:
            await asyncio.to_thread(self._insert, jobs, edges)
            return None
        await asyncio.to_thread(self._make_tables_on_first_use)
        bound = await abind(given, self.store.dialect.schema)
        await self._guard.acheck(bound)
        bound.after_commit(await bound.arun(enqueue(bound.dialect, jobs, None, edges)), self.waker.placed)
        return bound

    def _descended(self, job: NewJob) -> NewJob:
        """Return a job with the family of the one that runs here, if any."""
        ancestry = self._surroundings.ancestry()
        return job if ancestry.parent is None else descended(job, ancestry)

    def _sent(self, job: NewJob, bound: Bound | None) -> AsyncResult[Any]:
        self._bus.emit(JobSent(job.id, job.task, job.queue))
        return AsyncResult(job.id, self, bound.in_transaction if bound is not None else None)

    def _started(self, plan: Plan, jobs: Sequence[NewJob], bound: Bound | None) -> Started:
        """Tell of the jobs that were sent, and return the handle on what they end in."""
        if self._bus.wants(JobSent):
            for job in jobs:
                self._bus.emit(JobSent(job.id, job.task, job.queue))
        return handle_on(plan.handle, self, bound.in_transaction if bound is not None else None)

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

    def _make_tables_on_first_use(self) -> None:
        """A file needs no `sqlqueue migrate`, nor does it when the first job joins a caller's transaction."""
        if not self.store.dialect.many_writers:
            self.store.check_schema()

    def _given(self, options: CallOptions) -> Any:
        """Return the connection whose transaction this call joins, None for our own."""
        session, connection = options.get("session"), options.get("connection")
        if session is not None and connection is not None:
            raise BindingError("give session= or connection=, not both")
        if session is not None or connection is not None:
            return session if session is not None else connection
        binding = _binding.get()
        if binding is None:
            return None
        if not binding.open or binding.task is not _current_asyncio_task():
            message = (
                "app.using(...) was entered in another asyncio task, or its block has ended: its transaction is not"
                " this code's. Enter app.using(...) here, or pass session="
            )
            raise BindingError(message)
        return binding.given

    @contextmanager
    def using(self, given: Any) -> Iterator[None]:
        """Let every send of the block join the transaction of ``given``."""
        binding = Binding(given)
        before = _binding.set(binding)
        try:
            yield
        finally:
            binding.open = False
            _binding.reset(before)

    def close(self) -> None:
        """Send the last wake-ups and close every connection."""
        self.waiting.close()
        self.waker.close()
        self.store.close()


def _current_asyncio_task() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None

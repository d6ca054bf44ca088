"""`AsyncResult`: a handle on one job. Celery's names for states live here, at the border, and nowhere else."""

from __future__ import annotations

import asyncio
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from sqlqueue.client.jobs import Jobs
from sqlqueue.client.kin import collected, graph_below
from sqlqueue.client.waiting import observer, warn_if_unserved
from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.errors import NotCommitted, ResultTimeout, TaskRevoked
from sqlqueue.serialization.failures import restore
from sqlqueue.serialization.json import decode
from sqlqueue.store.ops.groups import children, family
from sqlqueue.store.ops.results import Record, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from datetime import datetime

    from sqlqueue.client.group import GroupResult
    from sqlqueue.client.waiting import Waiting
    from sqlqueue.notify.waker import Waker
    from sqlqueue.store.store import Store

V = TypeVar("V")

CELERY_STATES = {
    State.BLOCKED: "PENDING",
    State.SCHEDULED: "PENDING",
    State.READY: "PENDING",
    State.RUNNING: "STARTED",
    State.SUCCEEDED: "SUCCESS",
    State.FAILED: "FAILURE",
    State.REVOKED: "REVOKED",
}

ASK_FOR_WORKERS_AFTER = 5.0
"""Seconds of waiting after which the caller is warned when nobody serves the queue."""


class Asker(Protocol):
    """What a result needs of the client."""

    store: Store
    waiting: Waiting
    waker: Waker


class AsyncResult(Generic[V]):
    """A handle on one job.

    Parameters
    ----------
    id: the job's id; one that the database does not know is PENDING, as in Celery.
    parent: what came before it in its workflow, where the caller knows; else the database is asked.
    """

    def __init__(
        self, id: str, asker: Asker, in_transaction: Callable[[], bool] | None = None,  # noqa: A002
        parent: AsyncResult[Any] | GroupResult | None = None,
    ) -> None:  # fmt: skip
        self.id = id
        self._asker = asker
        self._in_transaction = in_transaction
        self._record: Record | None = None
        self._parent = parent

    def __repr__(self) -> str:
        return f"<AsyncResult: {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncResult) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def task_id(self) -> str:
        """The same as ``id``."""
        return self.id

    @property
    def state(self) -> str:
        """Celery's word: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""
        record = self._look()
        if record is None:
            return "PENDING"
        if record.retries and record.state in (State.SCHEDULED, State.READY):
            return "RETRY"
        return CELERY_STATES[record.state]

    status = state

    @property
    def result(self) -> Any:
        """The value, the exception of a failed job, or None when it is not over."""
        record = self._look()
        if record is None or record.finished_at is None:
            return None
        return _value(record) if record.state is State.SUCCEEDED else _exception(record)

    info = result

    @property
    def traceback(self) -> str | None:
        """The traceback of a failed job, as text."""
        record = self._look()
        return record.traceback if record else None

    @property
    def retries(self) -> int:
        """How often the job has been retried."""
        record = self._look()
        return record.retries if record else 0

    @property
    def date_done(self) -> datetime | None:
        """When the job was over, UTC."""
        record = self._look()
        return record.finished_at if record else None

    @property
    def parent(self) -> AsyncResult[Any] | GroupResult | None:
        """What came before it in its workflow, or the job that sent it; None when there is none."""
        if self._parent is None:
            kin = self._asker.store.read(family, self.id)
            if kin is not None and kin.parent is not None:
                self._parent = AsyncResult(kin.parent, self._asker)
        return self._parent

    @property
    def children(self) -> list[AsyncResult[Any]]:
        """The jobs that it has sent, and those that follow on it in its workflow, oldest first."""
        return [AsyncResult(id_, self._asker) for id_ in self._asker.store.read(children, [self.id])[self.id]]

    @property
    def graph(self) -> dict[AsyncResult[Any], list[AsyncResult[Any]]]:
        """Every job that descends from this one, this one first, each with its children."""
        found = graph_below(self._asker.store, self.id)
        handles = {self.id: self} | {id_: AsyncResult(id_, self._asker) for id_ in found if id_ != self.id}
        return {handles[id_]: [handles[child] for child in below] for id_, below in found.items()}

    def collect(
        self, timeout: float | None = None, *, propagate: bool = True
    ) -> Iterator[tuple[AsyncResult[Any], Any]]:
        """Wait for this job, then for its children and theirs, and yield each with its value."""
        return collected(self, timeout, propagate=propagate)

    def as_tuple(self) -> tuple[Any, ...]:
        """Return the ids as Celery does: its own with its parent's."""
        return (self.id, self._parent.as_tuple() if self._parent is not None else None), None

    @property
    def is_over(self) -> bool:
        """Whether it is known to be over; the database is not asked."""
        return self._record is not None

    def know(self, record: Record) -> None:
        """Take what somebody has read of it, now that it is over."""
        self._record = record

    def ready(self) -> bool:
        """Whether the job is over."""
        record = self._look()
        return record is not None and record.finished_at is not None

    def successful(self) -> bool:
        """Whether the job is over and succeeded."""
        return self.state == "SUCCESS"

    def failed(self) -> bool:
        """Whether the job is over and failed."""
        return self.state == "FAILURE"

    def revoke(self) -> None:
        """Revoke the job: if it waits it is over, if it runs it has no other try; if it is over, nothing happens."""
        Jobs(self._asker).revoke(Which(ids=[self.id]))

    async def arevoke(self) -> None:
        """The same, awaited."""
        await asyncio.to_thread(self.revoke)

    def forget(self) -> None:
        """Delete the job's result; a job that is not over is left alone."""
        Jobs(self._asker).forget([self.id])
        self._record = None

    async def aforget(self) -> None:
        """The same, awaited."""
        await asyncio.to_thread(self.forget)

    def get(self, timeout: float | None = None, *, propagate: bool = True) -> V:
        """Wait for the job and return its value.

        Parameters
        ----------
        timeout: seconds to wait; None waits for ever.
        propagate: False returns the exception of a failed job instead of raising it.

        Raises
        ------
        ResultTimeout: it was not over in time.
        NotCommitted: the transaction that it was enqueued in is still open.
        TaskRevoked: it was revoked. Else whatever the task raised.
        """
        if self._record is None:
            self._record = self._wait(timeout)
        return self._answer(self._record, propagate=propagate)

    async def aget(self, timeout: float | None = None, *, propagate: bool = True) -> V:
        """The same, awaited; many may wait at a time without a thread each."""
        if self._record is None:
            await asyncio.to_thread(self._refuse_uncommitted)
            with self._asker.waiting.awaited(self.id) as shared:
                self._record = await self._await(asyncio.wrap_future(observer(shared)), timeout)
        return self._answer(self._record, propagate=propagate)

    def _wait(self, timeout: float | None) -> Record:
        self._refuse_uncommitted()
        with self._asker.waiting.awaited(self.id) as future:
            return self._wait_on(future, timeout)

    def _wait_on(self, future: Future[Record], timeout: float | None) -> Record:
        deadline = None if timeout is None else monotonic() + timeout
        first = ASK_FOR_WORKERS_AFTER if timeout is None else min(timeout, ASK_FOR_WORKERS_AFTER)
        try:
            return future.result(first)
        except FutureTimeout:
            pass
        if timeout is None or timeout > ASK_FOR_WORKERS_AFTER:
            warn_if_unserved(self._asker.store, self.id)
        try:
            return future.result(None if deadline is None else max(deadline - monotonic(), 0.0))
        except FutureTimeout:
            raise self._timeout(timeout) from None

    async def _await(self, future: asyncio.Future[Record], timeout: float | None) -> Record:
        first = ASK_FOR_WORKERS_AFTER if timeout is None else min(timeout, ASK_FOR_WORKERS_AFTER)
        done, _ = await asyncio.wait([future], timeout=first)
        if not done and (timeout is None or timeout > ASK_FOR_WORKERS_AFTER):
            await asyncio.to_thread(warn_if_unserved, self._asker.store, self.id)
            done, _ = await asyncio.wait([future], timeout=None if timeout is None else timeout - first)
        if not done:
            raise self._timeout(timeout)
        return future.result()

    def _timeout(self, timeout: float | None) -> ResultTimeout:
        return ResultTimeout(
            f"job {self.id} was not over within {timeout:g} s; it goes on, and get() may be called again"
        )

    def _refuse_uncommitted(self) -> None:
        if self._in_transaction is None:
            return
        if self._in_transaction() and self._asker.store.read(look_up, self.id) is None:
            message = (
                f"job {self.id} is not committed: get() would wait for its own transaction; commit first, then get()"
            )
            raise NotCommitted(message)
        self._in_transaction = None

    def _look(self) -> Record | None:
        if self._record is None:
            found = self._asker.store.read(look_up, self.id)
            if found is None or found.finished_at is None:
                return found
            self._record = found
        return self._record

    def _answer(self, record: Record, *, propagate: bool) -> V:
        if record.state is State.SUCCEEDED:
            return cast("V", _value(record))
        error = _exception(record)
        if propagate:
            raise error
        return cast("V", error)


def _value(record: Record) -> Any:
    return None if record.result is None else decode(record.result)


def _exception(record: Record) -> BaseException:
    if record.state is State.REVOKED:
        return TaskRevoked(f"job {record.id} was revoked: {record.error}")
    return restore(record.exception, record.error)

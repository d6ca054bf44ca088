"""`AsyncResult`: a handle on one job. What its record means is read in ``answers``."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlqueue.client.answers import WaitOptions, celery_state, check_wait, exception_of, told_by, value_of
from sqlqueue.client.handle import JobHandle
from sqlqueue.client.jobs import Jobs
from sqlqueue.client.kin import Graph, graph_below
from sqlqueue.client.waiting import await_on, call_each, observer, wait_on
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.errors import NotCommitted
from sqlqueue.serialization.json import decode
from sqlqueue.store.ops.groups import children, family
from sqlqueue.store.ops.jobs import show_job
from sqlqueue.store.ops.results import Record, look_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Self, Unpack

    from sqlqueue.client.asker import Asker
    from sqlqueue.client.group import GroupResult
    from sqlqueue.store.ops.jobs import JobDetails

V = TypeVar("V")


class AsyncResult(JobHandle[V]):
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

    supports_native_join = True
    """Celery's: many are waited for together."""

    @property
    def asker(self) -> Asker:
        """The client of the app that it belongs to."""
        return self._asker

    def __copy__(self, _: object = None) -> Self:
        return self

    __deepcopy__ = __copy__

    def __reduce__(self) -> Any:
        return self.reduced(self)

    @staticmethod
    def reduced(handle: object) -> Any:
        """Say how a handle is pickled: not at all, since the app that it belongs to is not."""
        raise TypeError(
            f"{type(handle).__name__} belongs to an app and is not pickled: keep its id, or as_tuple(), and make it"
            " anew with app.AsyncResult(id) or app.result_from_tuple(...)"
        )

    @property
    def state(self) -> str:
        """Celery's word: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""
        return celery_state(self._look())

    @property
    def result(self) -> Any:
        """The value, the exception of a failed job or attempt; of one that runs what it tells of itself, or None."""
        record, contents = self._look(), self._asker.contents
        if record is None or record.finished_at is None:
            return told_by(record, contents)
        return value_of(record, contents) if record.state is State.SUCCEEDED else exception_of(record, contents)

    @property
    def traceback(self) -> str | None:
        """The traceback of a failed job, or of one that is tried again, as text."""
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
    def name(self) -> str | None:
        """The task's name."""
        record = self._look()
        return record.task if record else None

    @property
    def queue(self) -> str | None:
        """Where the job waits, or waited."""
        record = self._look()
        return record.queue if record else None

    @property
    def args(self) -> list[Any] | None:
        """The positional arguments, None when nobody knows the job."""
        details = self._details()
        return decode(details.job.args, self._asker.contents.argument) if details else None

    @property
    def kwargs(self) -> dict[str, Any] | None:
        """The named arguments, None when nobody knows the job."""
        details = self._details()
        return decode(details.job.kwargs, self._asker.contents.argument) if details else None

    @property
    def worker(self) -> str | None:
        """The worker that runs it or has run it."""
        details = self._details()
        return details.job.worker if details else None

    @property
    def ignored(self) -> bool:
        """Whether the job is over and its result was not kept; what it returned is then None."""
        details = self._details()
        return bool(details and details.options and "ignore_result" in json.loads(details.options))

    def exists(self) -> bool:
        """Whether the database knows the job; Celery's PENDING says nothing of that."""
        return self._look() is not None

    @property
    def parent(self) -> AsyncResult[Any] | GroupResult | None:
        """What came before it in its workflow, or the job that sent it; None when there is none."""
        if self._parent is None:
            kin = self._asker.store.read(family, self.id)
            if kin is not None and kin.parent is not None:
                self._parent = self._asker.result_type(kin.parent, self._asker)
        return self._parent

    @property
    def children(self) -> list[AsyncResult[Any]]:
        """The jobs that it has sent, and those that follow on it in its workflow, oldest first."""
        make = self._asker.result_type
        return [make(id_, self._asker) for id_ in self._asker.store.read(children, [self.id])[self.id]]

    @property
    def graph(self) -> Graph[AsyncResult[Any]]:
        """Every job that descends from this one, this one first, each with its children."""
        found = graph_below(self._asker.store, self.id)
        make = self._asker.result_type
        handles = {self.id: self} | {id_: make(id_, self._asker) for id_ in found if id_ != self.id}
        return Graph({handles[id_]: [handles[child] for child in below] for id_, below in found.items()})

    def then(
        self, callback: Callable[[Self], object], on_error: Callable[[Self], object] | None = None, **_: Any
    ) -> Self:
        """Call ``callback`` with this handle when the job is over, in a thread kept for that; return at once.

        Parameters
        ----------
        on_error: called instead when the job failed or was revoked.
        """

        def tell(record: Record) -> None:
            self._record = record
            good = record.state is State.SUCCEEDED or on_error is None
            (callback if good else cast("Callable[[Self], object]", on_error))(self)

        self._asker.following.follow(self.id, tell)
        return self

    @property
    def known_parent(self) -> AsyncResult[Any] | GroupResult | None:
        """What came before it in its workflow, where the sender has kept that."""
        return self._parent

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

    def revoke(self, *, terminate: bool = False, signal: str | int = "SIGTERM") -> None:
        """Revoke the job: if it waits it is over, if it runs it has no other try; if it is over, nothing happens.

        Parameters
        ----------
        terminate: end it if it runs, by this ``signal`` in a prefork pool; see `Jobs.revoke`.
        """
        Jobs(self._asker).revoke(Which(ids=[self.id]), terminate=terminate, signal=signal)

    async def arevoke(self, *, terminate: bool = False, signal: str | int = "SIGTERM") -> None:
        """The same, awaited."""
        await asyncio.to_thread(self.revoke, terminate=terminate, signal=signal)

    def forget(self) -> None:
        """Delete the job's result; a job that is not over is left alone."""
        Jobs(self._asker).forget([self.id])
        self._record = None

    async def aforget(self) -> None:
        """The same, awaited."""
        await asyncio.to_thread(self.forget)

    def get(self, timeout: float | None = None, *, propagate: bool = True, **options: Unpack[WaitOptions]) -> V:
        """Wait for the job and return its value.

        Parameters
        ----------
        timeout: seconds to wait; None waits for ever.
        propagate: False returns the exception of a failed job instead of raising it.
        options: see `WaitOptions`.

        Raises
        ------
        TypeError: there is no such option.
        ResultTimeout: it was not over in time.
        NotCommitted: the transaction that it was enqueued in is still open.
        WaitingInTask: this is a task, and it was not allowed to wait.
        TaskRevoked: it was revoked. Else whatever the task raised.
        """
        check_wait(options, timeout)
        if options.get("disable_sync_subtasks", True):
            self._asker.refuse_to_wait()
        if self._record is None:
            self._record = self._wait(timeout, options)
        value = self._answer(self._record, propagate=propagate)
        if (callback := options.get("callback")) is not None:
            callback(self.id, value)
        return value

    async def aget(self, timeout: float | None = None, *, propagate: bool = True) -> V:
        """The same, awaited; many may wait at a time without a thread each."""
        if self._record is None:
            await asyncio.to_thread(self._refuse_uncommitted)
            with self._asker.waiting.awaited(self.id) as shared:
                self._record = await await_on(self._asker.store, self.id, observer(shared), timeout)
        return self._answer(self._record, propagate=propagate)

    def _wait(self, timeout: float | None, options: WaitOptions) -> Record:
        self._refuse_uncommitted()
        with self._asker.waiting.awaited(self.id) as future:
            if (each := options.get("on_interval")) is not None:
                timeout = call_each(each, options.get("interval", 0.5), future, timeout)
            return wait_on(self._asker.store, self.id, future, timeout)

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

    def _details(self) -> JobDetails | None:
        return self._asker.store.read(show_job, self.id)

    def _answer(self, record: Record, *, propagate: bool) -> V:
        if record.state is State.SUCCEEDED:
            return cast("V", value_of(record, self._asker.contents))
        error = exception_of(record, self._asker.contents)
        if propagate:
            raise error
        return cast("V", error)

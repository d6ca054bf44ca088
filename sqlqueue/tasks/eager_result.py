"""`EagerResult`: the handle on a job that was run here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlqueue.client.answers import check_wait
from sqlqueue.client.contents import just_written
from sqlqueue.client.handle import JobHandle
from sqlqueue.client.kin import Graph
from sqlqueue.domain.outcome import Failed, Outcome, Revoked, Succeeded
from sqlqueue.serialization.json import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Self, Unpack

    from sqlqueue.client.answers import WaitOptions
    from sqlqueue.domain.job import NewJob

V = TypeVar("V")


class EagerResult(JobHandle[V]):
    """What an eager call returns: a handle on a job that is over already, and that no database knows.

    Parameters
    ----------
    new: the job that was not sent.
    value: what the task returned, or raised.
    done: when it was over, UTC.
    """

    supports_native_join = False
    is_over = True

    def __init__(self, new: NewJob, outcome: Outcome, value: Any, retries: int, done: datetime) -> None:
        self.id, self.new = new.id, new
        self.name, self.queue = new.task, new.queue
        self.args, self.kwargs = decode(new.args, just_written), decode(new.kwargs, just_written)
        self.retries = retries
        self.date_done = done
        self.traceback = outcome.failure.traceback if isinstance(outcome, Failed) else None
        self._state = {Succeeded: "SUCCESS", Revoked: "REVOKED"}.get(type(outcome), "FAILURE")
        self._value = value
        self.outcome = outcome
        self.before: Any = None
        self.told: str | None = None
        """What those that wait for it are told, where that is not how it ended."""

    @property
    def state(self) -> str:
        """SUCCESS or FAILURE."""
        return self._state

    @property
    def result(self) -> Any:
        """What the task returned, or raised."""
        return self._value

    @property
    def worker(self) -> str:
        """Who has run it: nobody but the caller."""
        return "eager"

    @property
    def parent(self) -> Any:
        """What came before it in its workflow."""
        return self.before

    @property
    def children(self) -> list[JobHandle[Any]]:
        """Nothing follows on it."""
        return []

    @property
    def graph(self) -> Graph[JobHandle[Any]]:
        """This one alone."""
        return Graph({self: []})

    @property
    def ignored(self) -> bool:
        """Whether its result was not kept: it always is."""
        return False

    def ready(self) -> bool:
        """Whether the job is over: always."""
        return True

    def exists(self) -> bool:
        """Whether there is such a job: this one was run, though no database knows it."""
        return True

    def get(self, timeout: float | None = None, *, propagate: bool = True, **options: Unpack[WaitOptions]) -> V:
        """Return the value, or raise what the task raised."""
        check_wait(options, timeout)
        if propagate and not self.successful():
            raise self._value
        if (callback := options.get("callback")) is not None:
            callback(self.id, self._value)
        value: V = self._value
        return value

    async def aget(self, timeout: float | None = None, *, propagate: bool = True) -> V:
        """The same, awaited."""
        return self.get(timeout, propagate=propagate)

    def then(
        self, callback: Callable[[Self], object], on_error: Callable[[Self], object] | None = None, **_: Any
    ) -> Self:
        """Call ``callback`` at once, or ``on_error`` when the task has failed and there is one."""
        (on_error if on_error is not None and self.failed() else callback)(self)
        return self

    def revoke(self, **_: Any) -> None:
        """Change nothing: it is over."""

    def forget(self) -> None:
        """Change nothing: no database has kept it."""

"""`ResultSet` and `GroupResult`: handles on many jobs, in order or as they are done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlqueue.client.answers import check_wait
from sqlqueue.client.jobs import Jobs
from sqlqueue.client.members import Members
from sqlqueue.client.together import as_done, as_done_awaited, await_all, in_time, look_at, wait_for_all
from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.errors import TaskError
from sqlqueue.store.ops.groups import delete_group, restore_group, save_group

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from typing import Self, Unpack

    from sqlqueue.client.answers import WaitOptions
    from sqlqueue.client.asker import Asker
    from sqlqueue.client.result import AsyncResult
    from sqlqueue.store.ops.results import Record


class ResultSet(Members):
    """Handles on many jobs; nested groups are members as a whole.

    Parameters
    ----------
    results: the members, in the order of their results.
    app: the app that it belongs to; not needed where it has members.
    """

    supports_native_join = True

    def __init__(
        self, results: Iterable[AsyncResult[Any] | GroupResult] = (), asker: Asker | None = None, *, app: Any = None
    ) -> None:  # fmt: skip
        super().__init__(results)
        self._given: Asker | None = asker if app is None else app.client

    @property
    def _asker(self) -> Asker:
        if self._given is None:
            self._given = next((one.asker for one in self.leaves() if hasattr(one, "asker")), None)
        if self._given is None:
            kind = type(self).__name__
            raise TaskError(f"this {kind} belongs to no app, since it is empty: make it with {kind}(..., app=app)")
        return self._given

    def __copy__(self, _: object = None) -> Self:
        found = object.__new__(type(self))
        vars(found).update(vars(self) | {"results": [*self.results]})
        return found

    __deepcopy__ = __copy__

    def __reduce__(self) -> Any:
        return self._asker.result_type.reduced(self)

    def ready(self) -> bool:
        """Whether all are over."""
        return not self._look()

    def successful(self) -> bool:
        """Whether all are over and succeeded."""
        return self.ready() and all(one.successful() for one in self.leaves())

    def failed(self) -> bool:
        """Whether one is over and failed."""
        self._look()
        return any(one.is_over and one.failed() for one in self.leaves())

    def _look(self) -> list[AsyncResult[Any]]:
        """Look at all, and return those that are not over."""
        found = self.leaves()
        return look_at(found, self._asker) if found else []

    def waiting(self) -> bool:
        """Whether one is not over."""
        return not self.ready()

    def completed_count(self) -> int:
        """How many have succeeded."""
        self._look()
        return sum(one.is_over and one.successful() for one in self.leaves())

    def join(
        self, timeout: float | None = None, *, propagate: bool = True, **options: Unpack[WaitOptions]
    ) -> list[Any]:
        """Wait for all and return their values in order; the first that failed raises, unless ``propagate`` is false.

        Parameters
        ----------
        timeout: seconds to wait for all; None waits for ever.
        options: see `WaitOptions`; a ``callback`` is called with each job's id and value, in order, and the list is
            then empty.

        Raises
        ------
        TypeError: there is no such option.
        ResultTimeout: not all were over in time.
        WaitingInTask: this is a task, and it was not allowed to wait. Else whatever a task raised.
        """
        check_wait(options, timeout)
        if not self.results:
            return []
        if options.get("disable_sync_subtasks", True):
            self._asker.refuse_to_wait()
        callback = options.get("callback")
        if callback is None:
            wait_for_all(self.leaves(), self._asker, timeout, propagate=propagate)
            return [one.get(0, propagate=propagate, disable_sync_subtasks=False) for one in self.results]
        deadline = None if timeout is None else monotonic() + timeout
        for one in self.leaves():
            left = None if deadline is None else max(deadline - monotonic(), 0.0)
            with in_time(one, self.leaves(), timeout):
                value = one.get(left, propagate=propagate, disable_sync_subtasks=False)
            callback(one.id, value)
        return []

    get = join_native = join

    def maybe_throw(self, *, propagate: bool = True) -> None:
        """Raise what a member raised that is known to have failed."""
        self._look()
        for one in self.leaves():
            if one.is_over:
                one.get(0, propagate=propagate, disable_sync_subtasks=False)

    maybe_reraise = maybe_throw

    def revoke(self, *, terminate: bool = False, signal: str | int = "SIGTERM") -> None:
        """Revoke every job of it, and with ``terminate`` end those that run."""
        if ids := [one.id for one in self.leaves()]:
            Jobs(self._asker).revoke(Which(ids=ids), terminate=terminate, signal=signal)

    def forget(self) -> None:
        """Delete the results of its jobs; those that are not over are left alone."""
        if ids := [one.id for one in self.leaves()]:
            Jobs(self._asker).forget(ids)

    def then(self, callback: Callable[[Self], object], on_error: Callable[[Self], object] | None = None) -> Self:
        """Call ``callback`` with this handle when all are over, in a thread kept for that; return at once.

        Parameters
        ----------
        on_error: called instead when one has failed or was revoked.
        """
        left = {one.id for one in self.leaves()}
        good = True

        def tell(record: Record) -> None:
            nonlocal good
            good = good and record.state is State.SUCCEEDED
            left.discard(record.id)
            if not left:
                (on_error if on_error is not None and not good else callback)(self)

        if not left:
            callback(self)
        for job_id in tuple(left):
            self._asker.following.follow(job_id, tell)
        return self

    async def aget(self, timeout: float | None = None, *, propagate: bool = True) -> list[Any]:
        """The same, awaited; many may wait at a time without a thread each."""
        if not self.results:
            return []
        await await_all(self.leaves(), self._asker, timeout, propagate=propagate)
        return [one.get(0, propagate=propagate, disable_sync_subtasks=False) for one in self.results]

    def iterate(self, timeout: float | None = None, *, propagate: bool = True) -> Iterator[Any]:
        """Yield the values as the jobs are done, whichever is done first."""
        for one in self._as_done(timeout):
            yield one.get(0, propagate=propagate, disable_sync_subtasks=False)

    def iter_native(self, timeout: float | None = None, **_: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each job's id, and Celery's dict of its status, result and traceback, as it is done."""
        for one in self._as_done(timeout):
            yield one.id, {"status": one.state, "result": one.result, "traceback": one.traceback, "task_id": one.id}

    def _as_done(self, timeout: float | None) -> Iterator[AsyncResult[Any]]:
        found = self.leaves()
        return as_done(found, self._asker, timeout) if found else iter(())

    async def __aiter__(self) -> AsyncIterator[tuple[str, Any]]:
        """Yield each job's id and value as it is done; awaiting never holds up the loop."""
        if self.results:
            async for one in as_done_awaited(self.leaves(), self._asker):
                yield one.id, one.get(0, disable_sync_subtasks=False)


class GroupResult(ResultSet):
    """The results of a group, under an id of its own.

    Parameters
    ----------
    id: the group's id.
    parent: what came before the group in its chain.
    """

    def __init__(
        self, id: str, results: Iterable[AsyncResult[Any] | GroupResult] = (),  # noqa: A002
        asker: Asker | None = None, parent: AsyncResult[Any] | GroupResult | None = None, *, app: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(results, asker, app=app)
        self.id = id
        self.parent = parent

    def __repr__(self) -> str:
        return f"<GroupResult: {self.id} [{', '.join(one.id for one in self.results)}]>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupResult) and other.id == self.id and other.results == self.results

    def __hash__(self) -> int:
        return hash(self.id)

    def as_tuple(self) -> tuple[Any, ...]:
        """Return the ids as Celery does: the group's with its parent's, and its members'."""
        parent = self.parent.as_tuple() if self.parent is not None else None
        return ((self.id, parent), [one.as_tuple() for one in self.results])

    def as_list(self) -> list[str]:
        """Return its id and those of what came before it."""
        return [self.id, *(self.parent.as_list() if self.parent is not None else [])]

    __json__ = as_tuple
    """How it is stored when a task returns it."""

    def save(self) -> None:
        """Keep the ids of the members in the database, for `restore`: a row, readable with SQL."""
        self._asker.store.run(save_group, self.id, json.dumps(_written(self)))

    @classmethod
    def restore(cls, id: str, asker: Asker | None = None, *, app: Any = None) -> GroupResult | None:  # noqa: A002
        """Return the group that was saved under that id, None when none was.

        Parameters
        ----------
        app: where to look for it; ``app.GroupResult.restore(id)`` says the same.
        """
        asker = asker if app is None else app.client
        if asker is None:
            raise TaskError(f"GroupResult.restore({id!r}) has no app to ask: use app.GroupResult.restore({id!r})")
        members = asker.store.read(restore_group, id)
        return None if members is None else _read({"id": id, "members": json.loads(members)}, asker)

    def delete(self) -> None:
        """Forget what `save` has kept; the jobs and their results stay."""
        self._asker.store.run(delete_group, self.id)


class Groups:
    """``app.GroupResult``: makes handles on groups of one app."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def __call__(
        self, id: str, results: Iterable[AsyncResult[Any] | GroupResult] | None = None,  # noqa: A002
        parent: AsyncResult[Any] | GroupResult | None = None,
    ) -> GroupResult | None:  # fmt: skip
        """Return a handle on a group of these results; without any, the group that was saved under that id."""
        return self.restore(id) if results is None else GroupResult(id, results, self._asker, parent)

    def restore(self, id: str) -> GroupResult | None:  # noqa: A002
        """Return the group that was saved under that id, None when none was."""
        return GroupResult.restore(id, self._asker)


def _written(group: GroupResult) -> list[Any]:
    return [
        {"id": one.id, "members": _written(one)} if isinstance(one, GroupResult) else one.id for one in group.results
    ]


def _read(written: dict[str, Any], asker: Asker) -> GroupResult:
    members: list[AsyncResult[Any] | GroupResult] = [
        asker.result_type(one, asker) if isinstance(one, str) else _read(one, asker) for one in written["members"]
    ]
    return GroupResult(written["id"], members, asker)

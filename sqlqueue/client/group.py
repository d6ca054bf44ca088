"""`ResultSet` and `GroupResult`: handles on many jobs, in order or as they are done."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sqlqueue.canvas.plan import One
from sqlqueue.client.result import AsyncResult
from sqlqueue.client.together import as_done, look_at, wait_for_all
from sqlqueue.store.ops.groups import delete_group, restore_group, save_group

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from sqlqueue.canvas.plan import Handle
    from sqlqueue.client.result import Asker


class ResultSet:
    """Handles on many jobs; nested groups are members as a whole.

    Parameters
    ----------
    results: the members, in the order of their results.
    """

    def __init__(self, results: Iterable[AsyncResult[Any] | GroupResult], asker: Asker) -> None:
        self.results: list[AsyncResult[Any] | GroupResult] = list(results)
        self._asker = asker

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} results>"

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[AsyncResult[Any] | GroupResult]:
        return iter(self.results)

    def __getitem__(self, index: int) -> AsyncResult[Any] | GroupResult:
        return self.results[index]

    @property
    def children(self) -> list[AsyncResult[Any] | GroupResult]:
        """The members."""
        return self.results

    def add(self, result: AsyncResult[Any]) -> None:
        """Add a member at the end, unless it is one."""
        if result not in self.results:
            self.results.append(result)

    def remove(self, result: AsyncResult[Any]) -> None:
        """Take a member out; raises ValueError when it is none."""
        self.results.remove(result)

    def discard(self, result: AsyncResult[Any]) -> None:
        """Take a member out if it is one."""
        if result in self.results:
            self.results.remove(result)

    def update(self, results: Iterable[AsyncResult[Any]]) -> None:
        """Add several members."""
        for result in results:
            self.add(result)

    def ready(self) -> bool:
        """Whether all are over."""
        return not look_at(self.leaves(), self._asker)

    def successful(self) -> bool:
        """Whether all are over and succeeded."""
        return self.ready() and all(one.successful() for one in self.leaves())

    def failed(self) -> bool:
        """Whether one is over and failed."""
        look_at(self.leaves(), self._asker)
        return any(one.is_over and one.failed() for one in self.leaves())

    def waiting(self) -> bool:
        """Whether one is not over."""
        return not self.ready()

    def completed_count(self) -> int:
        """How many have succeeded."""
        look_at(self.leaves(), self._asker)
        return sum(one.is_over and one.successful() for one in self.leaves())

    def join(
        self, timeout: float | None = None, *, propagate: bool = True,
        callback: Callable[[str, Any], object] | None = None,
    ) -> list[Any]:  # fmt: skip
        """Wait for all and return their values in order; the first that failed raises, unless ``propagate`` is false.

        Parameters
        ----------
        timeout: seconds to wait for all; None waits for ever.
        callback: called with each job's id and value instead, in order; the list is then empty.

        Raises
        ------
        ResultTimeout: not all were over in time. Else whatever a task raised.
        """
        wait_for_all(self.leaves(), self._asker, timeout, propagate=propagate)
        if callback is None:
            return [one.get(0, propagate=propagate) for one in self.results]
        for one in self.leaves():
            callback(one.id, one.get(0, propagate=propagate))
        return []

    get = join

    async def aget(self, timeout: float | None = None, *, propagate: bool = True) -> list[Any]:
        """The same, awaited."""
        return await asyncio.to_thread(self.join, timeout, propagate=propagate)

    def iterate(self, timeout: float | None = None, *, propagate: bool = True) -> Iterator[Any]:
        """Yield the values as the jobs are done, whichever is done first."""
        for one in as_done(self.leaves(), self._asker, timeout):
            yield one.get(0, propagate=propagate)

    async def __aiter__(self) -> AsyncIterator[tuple[str, Any]]:
        """Yield each job's id and value as it is done; awaiting never holds up the loop."""
        walk = as_done(self.leaves(), self._asker, None)
        while (one := await asyncio.to_thread(next, walk, None)) is not None:
            yield one.id, one.get(0)

    def leaves(self) -> list[AsyncResult[Any]]:
        """Return the jobs of all members, those of nested groups too."""
        found: list[AsyncResult[Any]] = []
        for one in self.results:
            found += one.leaves() if isinstance(one, ResultSet) else [one]
        return found


class GroupResult(ResultSet):
    """The results of a group, under an id of its own.

    Parameters
    ----------
    id: the group's id.
    parent: what came before the group in its chain.
    """

    def __init__(
        self, id: str, results: Iterable[AsyncResult[Any] | GroupResult], asker: Asker,  # noqa: A002
        parent: AsyncResult[Any] | GroupResult | None = None,
    ) -> None:  # fmt: skip
        super().__init__(results, asker)
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

    def save(self) -> None:
        """Keep the ids of the members in the database, for `restore`: a row, readable with SQL."""
        self._asker.store.run(save_group, self.id, json.dumps(_written(self)))

    @classmethod
    def restore(cls, id: str, asker: Asker) -> GroupResult | None:  # noqa: A002
        """Return the group that was saved under that id, None when none was."""
        members = asker.store.read(restore_group, id)
        return None if members is None else _read({"id": id, "members": json.loads(members)}, asker)

    def delete(self) -> None:
        """Forget what `save` has kept; the jobs and their results stay."""
        self._asker.store.run(delete_group, self.id)


Started = AsyncResult[Any] | GroupResult | None
"""What starting a workflow gives: a handle on its last job, or on its last jobs; None for an empty one."""


def handle_on(handle: Handle | None, asker: Asker, in_transaction: Callable[[], bool] | None = None) -> Started:
    """Return results for what a plan ends in, each with what came before it as its parent."""
    return None if handle is None else _Handles(asker, in_transaction).of(handle)


class _Handles:
    """Makes results of what a plan ends in; what many have in common is made once."""

    def __init__(self, asker: Asker, in_transaction: Callable[[], bool] | None) -> None:
        self._asker = asker
        self._in_transaction = in_transaction
        self._made: dict[int, AsyncResult[Any] | GroupResult] = {}

    def of(self, handle: Handle) -> AsyncResult[Any] | GroupResult:
        line: list[Handle] = []
        one: Handle | None = handle
        while one is not None and id(one) not in self._made:  # a chain may be longer than Python's stack
            line.append(one)
            one = one.before
        for each in reversed(line):
            self._made[id(each)] = self._make(each)
        return self._made[id(handle)]

    def _make(self, handle: Handle) -> AsyncResult[Any] | GroupResult:
        before = None if handle.before is None else self._made[id(handle.before)]
        if isinstance(handle, One):
            return AsyncResult(handle.id, self._asker, self._in_transaction, before)
        return GroupResult(handle.id, map(self.of, handle.members), self._asker, before)


def _written(group: GroupResult) -> list[Any]:
    return [
        {"id": one.id, "members": _written(one)} if isinstance(one, GroupResult) else one.id for one in group.results
    ]


def _read(written: dict[str, Any], asker: Asker) -> GroupResult:
    members: list[AsyncResult[Any] | GroupResult] = [
        AsyncResult(one, asker) if isinstance(one, str) else _read(one, asker) for one in written["members"]
    ]
    return GroupResult(written["id"], members, asker)

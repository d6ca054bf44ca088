"""From what a workflow ends in, or from ids that were written down, to handles on results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.canvas.plan import One
from sqlqueue.client.group import GroupResult
from sqlqueue.client.result import AsyncResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.canvas.plan import Handle
    from sqlqueue.client.asker import Asker


def result_from_tuple(written: Sequence[Any], asker: Asker) -> AsyncResult[Any] | GroupResult:
    """Return the handle that ``as_tuple()`` has written down, or an id alone."""
    if isinstance(written, str):
        return asker.result_type(written, asker)
    own, members = written
    id_, before = own if isinstance(own, list | tuple) else (own, None)
    parent = result_from_tuple(before, asker) if before is not None else None
    if members is None:
        return asker.result_type(id_, asker, parent=parent)
    return GroupResult(id_, [result_from_tuple(one, asker) for one in members], asker, parent)


Started = AsyncResult[Any] | GroupResult | None
"""What starting a workflow gives: a handle on its last job, or on its last jobs; None for an empty one."""


def handle_on(handle: Handle | None, asker: Asker, in_transaction: Callable[[], bool] | None = None) -> Started:
    """Return results for what a plan ends in, each with what came before it as its parent."""
    if handle is None:
        return None
    made: Started = Handles(asker, lambda id_, before: asker.result_type(id_, asker, in_transaction, before)).of(handle)
    return made


class Handles:
    """Makes results of what a plan ends in; what many have in common is made once.

    Parameters
    ----------
    make: returns the result of one job, whose id and parent it is given.
    """

    def __init__(self, asker: Any, make: Callable[[str, Any], Any]) -> None:
        self._asker = asker
        self._make_one = make
        self._made: dict[int, Any] = {}

    def of(self, handle: Handle) -> Any:
        """Return the result, with what came before it as its parent."""
        line: list[Handle] = []
        one: Handle | None = handle
        while one is not None and id(one) not in self._made:  # a chain may be longer than Python's stack
            line.append(one)
            one = one.before
        for each in reversed(line):
            self._made[id(each)] = self._make(each)
        return self._made[id(handle)]

    def _make(self, handle: Handle) -> Any:
        before = None if handle.before is None else self._made[id(handle.before)]
        if isinstance(handle, One):
            return self._make_one(handle.id, before)
        return GroupResult(handle.id, map(self.of, handle.members), self._asker, before)

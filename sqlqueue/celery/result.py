"""Celery's names for handles on results."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlqueue.celery import _state
from sqlqueue.celery.app.handles import AsyncResult
from sqlqueue.client import group as groups
from sqlqueue.errors import WaitingInTask
from sqlqueue.tasks.context import OUTSIDE, allow_join_result, current_job
from sqlqueue.tasks.eager_result import EagerResult

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Ours(type(groups.ResultSet)):  # type: ignore[misc]
    """Lets ``isinstance`` know what our client returns."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, cls.__mro__[1])


class ResultSet(groups.ResultSet, metaclass=_Ours):
    """A handle on many jobs."""

    def __new__(cls, results: Any, app: Any = None, **_: Any) -> Any:  # noqa: D102
        return _state.app_or_default(app).ResultSet(results)


class GroupResult(groups.GroupResult, metaclass=_Ours):
    """A handle on the jobs of a group."""

    def __new__(cls, id: str, results: Any = (), parent: Any = None, app: Any = None, **_: Any) -> Any:  # noqa: A002, D102
        return groups.GroupResult(id, results, _state.app_or_default(app).client, parent)

    @classmethod
    def restore(cls, id: str, asker: Any = None, app: Any = None, **_: Any) -> Any:  # noqa: A002
        """Return the group that was saved under that id."""
        return _state.app_or_default(app).GroupResult(id)


ResultBase = (AsyncResult, groups.ResultSet)


def task_join_will_block() -> bool:
    """Whether ``get()`` is refused here, since it may wait for this very worker."""
    return _state.task_join_will_block()


def assert_will_not_block() -> None:
    """Raise an error where ``get()`` is refused."""
    if task_join_will_block():
        raise WaitingInTask


@contextmanager
def denied_join_result() -> Iterator[None]:
    """Refuse to wait for other jobs in the running task while the block lasts."""
    context = current_job.get()
    before, context.may_wait = context.may_wait, context is OUTSIDE
    try:
        yield
    finally:
        context.may_wait = before


def result_from_tuple(r: Any, app: Any = None) -> Any:
    """Return the handle that ``as_tuple()`` has written down."""
    return _state.app_or_default(app).result_from_tuple(r)


__all__ = [
    "allow_join_result",
    "assert_will_not_block",
    "AsyncResult",
    "denied_join_result",
    "EagerResult",
    "GroupResult",
    "result_from_tuple",
    "ResultBase",
    "ResultSet",
    "task_join_will_block",
]

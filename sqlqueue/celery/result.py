"""Celery's names for handles on results."""

from __future__ import annotations

from typing import Any

from sqlqueue.celery import _state
from sqlqueue.celery.app.handles import AsyncResult
from sqlqueue.client import group as groups
from sqlqueue.tasks.context import allow_join_result
from sqlqueue.tasks.eager_result import EagerResult


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


def result_from_tuple(r: Any, app: Any = None) -> Any:
    """Return the handle that ``as_tuple()`` has written down."""
    return _state.app_or_default(app).result_from_tuple(r)


__all__ = [
    "allow_join_result",
    "AsyncResult",
    "EagerResult",
    "GroupResult",
    "result_from_tuple",
    "ResultBase",
    "ResultSet",
]

"""The types of ``@app.task`` in its four shapes: plain or bound, ``def`` or ``async def``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sqlqueue.tasks.task import Task

P = ParamSpec("P")
V = TypeVar("V")


class Decorator(Protocol):
    """``@app.task(...)`` without ``bind``."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, V]], /) -> Task[P, V, Coroutine[Any, Any, V]]: ...
    @overload
    def __call__(self, function: Callable[P, V], /) -> Task[P, V, V]: ...


class BoundDecorator(Protocol):
    """``@app.task(bind=True, ...)``: the function's first parameter is the task itself."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, V]], /
    ) -> Task[P, V, Coroutine[Any, Any, V]]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], V], /) -> Task[P, V, V]: ...

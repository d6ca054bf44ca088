"""What tasks need of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sqlqueue.tasks.signature import Starter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlqueue.client.callers import Callers
    from sqlqueue.client.dispatching import Dispatcher
    from sqlqueue.client.many import Call
    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.client.result import AsyncResult
    from sqlqueue.client.teller import Teller


class Sender(Starter, Protocol):
    """What a task needs of the client."""

    callers: Callers
    teller: Teller
    dispatcher: Dispatcher

    def send(
        self,
        task: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: CallOptions,
        defaults: Defaults,
    ) -> AsyncResult[Any]:
        """Insert one job."""

    async def asend(
        self,
        task: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: CallOptions,
        defaults: Defaults,
    ) -> AsyncResult[Any]:
        """Insert one job."""

    def send_many(
        self, task: str, calls: Iterable[Call], options: CallOptions, defaults: Defaults
    ) -> list[AsyncResult[Any]]:
        """Insert many jobs."""

    async def asend_many(
        self, task: str, calls: Iterable[Call], options: CallOptions, defaults: Defaults
    ) -> list[AsyncResult[Any]]:
        """Insert many jobs."""

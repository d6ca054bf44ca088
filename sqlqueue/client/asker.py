"""What handles on results need of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlqueue.client.contents import Contents
    from sqlqueue.client.following import Following
    from sqlqueue.client.result import AsyncResult
    from sqlqueue.client.waiting import Waiting
    from sqlqueue.notify.waker import Waker
    from sqlqueue.store.store import Store


class Asker(Protocol):
    """What a result needs of the client."""

    store: Store
    contents: Contents
    waiting: Waiting
    following: Following
    waker: Waker
    result_type: type[AsyncResult[Any]]

    def refuse_to_wait(self) -> None:
        """Raise `WaitingInTask` inside a task that has not been allowed to wait."""

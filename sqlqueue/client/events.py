"""`Events`: what ``app.events`` is. The bus of this process, and the stream that everybody can read.

Next rooms: ``receiving`` and ``dispatching``; ``events.state`` for what is made of a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sqlqueue.client.dispatching import Dispatcher
from sqlqueue.client.receiving import Receiver
from sqlqueue.events.bus import Bus
from sqlqueue.events.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlqueue.store.store import Store


class Sender(Protocol):
    """What is needed of the client."""

    store: Store
    dispatcher: Dispatcher


class Events(Bus):
    """The events of one app: subscribe to those of this process, receive those of all.

    Parameters
    ----------
    sender: returns the client, which is reached when it is first needed.
    """

    def __init__(self, sender: Callable[[], Sender]) -> None:
        super().__init__()
        self._sender = sender

    def Receiver(self, handlers: Mapping[str, Callable[[dict[str, Any]], object]] | None = None) -> Receiver:  # noqa: N802
        """Return what reads the stream: ``app.events.Receiver(handlers={"task-failed": page_somebody}).capture()``."""
        return Receiver(self._sender().store, handlers)

    def State(self, **options: Any) -> State:  # noqa: N802 - Celery's name
        """Return what remembers the workers and tasks of a stream: give its ``event`` to a receiver as a handler."""
        return State(**options)

    def Dispatcher(self, hostname: str | None = None) -> Dispatcher:  # noqa: N802 - Celery's name
        """Return what tells events, in the name of ``hostname``; close it when all is told."""
        return Dispatcher(self._sender().store, hostname)

    def send(self, type_: str, /, **fields: Any) -> None:
        """Tell an event of your own to whoever watches; see `Dispatcher.send`."""
        self._sender().dispatcher.send(type_, **fields)

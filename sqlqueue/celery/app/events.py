"""``app.events``: ours, called as Celery's is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlqueue.client.events import Events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlqueue.client import dispatching, receiving


class CeleryEvents(Events):
    """The events of a Celery app."""

    def Receiver(  # type: ignore[override] # noqa: N802
        self, channel: Any = None, handlers: Any = None, *_: Any, **__: Any
    ) -> receiving.Receiver:
        """Return what reads the stream; the connection, the routing key and the like are taken and mean nothing."""
        return super().Receiver(channel if handlers is None and isinstance(channel, Mapping) else handlers)

    def Dispatcher(  # type: ignore[override] # noqa: N802
        self, connection: Any = None, hostname: str | None = None, *_: Any, **__: Any
    ) -> dispatching.Dispatcher:
        """Return what tells events."""
        return super().Dispatcher(hostname)

    @contextmanager
    def default_dispatcher(self, hostname: str | None = None, **_: Any) -> Iterator[dispatching.Dispatcher]:
        """Return what tells events, for a block; they are written by its end."""
        with super().Dispatcher(hostname) as found:
            yield found

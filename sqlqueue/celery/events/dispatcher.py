"""`EventDispatcher`: tells events to whoever watches an app's database."""

from __future__ import annotations

from typing import Any

from sqlqueue.celery._state import get_current_app
from sqlqueue.client.dispatching import Dispatcher


class EventDispatcher(Dispatcher):
    """Tells events; the connection, buffering and the like are taken and mean nothing."""

    def __init__(
        self, connection: Any = None, hostname: str | None = None, *_: Any, app: Any = None, **__: Any
    ) -> None:
        self.app = app or get_current_app()
        super().__init__(self.app.store, hostname)

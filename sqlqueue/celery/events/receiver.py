"""`EventReceiver`: reads the stream of an app's database."""

from __future__ import annotations

from typing import Any

from sqlqueue.celery._state import get_current_app
from sqlqueue.client.receiving import Receiver


class EventReceiver(Receiver):
    """Reads the stream; the connection, the routing key and the like are taken and mean nothing."""

    def __init__(self, channel: Any = None, handlers: Any = None, *_: Any, app: Any = None, **__: Any) -> None:
        self.app = app or get_current_app()
        super().__init__(self.app.store, handlers)

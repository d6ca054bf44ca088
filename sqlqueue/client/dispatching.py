"""`Dispatcher`: tells events from senders and from tasks, in batches, while somebody watches.

Next room: ``store.ops.events``. Workers tell what becomes of jobs in ``worker.stream``.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.errors import ConfigError, StoreError
from sqlqueue.events.catalog import JobSent
from sqlqueue.events.stream import event_of, sent
from sqlqueue.services.loop import Loop
from sqlqueue.signals import worker_process_shutdown
from sqlqueue.store.ops.events import tell_events

if TYPE_CHECKING:
    from sqlqueue.events.catalog import Event
    from sqlqueue.store.store import Store

logger = logging.getLogger("sqlqueue.events")

SPACING = 0.5
"""Seconds between two statements, however much is told."""

BATCH = 2000
"""Events in one statement."""

MOST_KEPT = 10_000
"""Events that wait to be written; beyond, the oldest are dropped."""

ASLEEP = 60.0

LAST_WORDS = 2.0
"""Seconds that the thread may take to end."""

MAX_TYPE = 100
"""Characters of a type."""


class Dispatcher:
    """The way of one app's events to the database; a thread is made when the first is told.

    Parameters
    ----------
    hostname: who tells, where nothing else is said; default: this process.
    """

    def __init__(self, store: Store, hostname: str | None = None) -> None:
        self._store = store
        self.hostname = hostname
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST_KEPT)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._owner = 0
        self._loop: Loop | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, type_: Any, /, **fields: Any) -> None:
        """Tell an event within half a second, if somebody watches then; never waits.

        Parameters
        ----------
        type_: such as ``shop-order-packed``.
        fields: what JSON can hold; ``hostname`` and ``timestamp``, seconds since 1970, may be among them.

        Raises
        ------
        ConfigError: the type is no name.
        """
        if not isinstance(type_, str) or not type_.isprintable() or not 0 < len(type_) <= MAX_TYPE:
            raise ConfigError(f"type is {type_!r}: use a string of 1 to {MAX_TYPE} printable characters")
        said = {name: value for name, value in fields.items() if value is not None or name not in ("hostname", "pid")}
        self._keep(event_of(type_, self._name(), os.getpid(), SYSTEM_CLOCK.now().timestamp(), said))

    def job_sent(self, event: Event) -> None:
        """Tell of a job that was sent."""
        if isinstance(event, JobSent):
            self.send("task-sent", **sent(event.job))

    def _name(self) -> str:
        return self.hostname or f"gen{os.getpid()}@{socket.gethostname()}"

    def _keep(self, event: dict[str, Any]) -> None:
        with self._lock:
            idle = not self._waiting
            self._waiting.append(event)
            if self._owner != os.getpid():  # also after a fork, where no thread came along
                self._owner, self._loop = os.getpid(), Loop("dispatcher", self._tick)
                self._loop.start()
                worker_process_shutdown.connect(self._child_ends)
        if idle and self._loop is not None:
            self._loop.wake()

    def flush(self) -> None:
        """Write what waits, now."""
        with self._writing:
            while batch := self._taken():
                self._store.run(tell_events, batch, always=False)

    def close(self) -> None:
        """End the thread, when it has told what waits."""
        if self._loop is not None and self._owner == os.getpid():
            self._loop.stop()
            self._loop.join(LAST_WORDS)
            self._owner, self._loop = 0, None
            try:
                self.flush()
            except StoreError as error:
                logger.warning("events were not told: %s", error)

    def _child_ends(self, **_: Any) -> None:
        self.close()

    def _taken(self) -> list[dict[str, Any]]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]

    def _tick(self) -> float:
        batch = self._taken()
        if not batch:
            return ASLEEP
        with self._writing:
            self._store.run(tell_events, batch, always=False)
        return SPACING

"""Carries what running tasks tell of themselves to the database: at once, or the latest of each job now and then."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.services.loop import Loop
from sqlqueue.store.ops.told import Told, tell

if TYPE_CHECKING:
    from sqlqueue.store.store import Store

SPACING = 0.5
"""Seconds between two statements, however often tasks say how far they are."""

NOTHING_TO_TELL = 60.0

LAST_WORDS = 2.0
"""Seconds that the thread may take to end."""


class Teller:
    """The way of one app's tasks to the database; a thread is made when the first of them says how far it is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest: dict[str, tuple[int, str, str]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # from taking what is to be told to having told it: no older word comes last
        self._next_at = 0.0
        self._owner = 0
        self._loop: Loop | None = None

    def tell(self, job_id: str, token: int | None, state: str, meta: str) -> None:
        """Show a state now.

        Parameters
        ----------
        token: of the claim under which the job runs, None for whichever it is.
        meta: JSON text.
        """
        with self._writing:
            with self._lock:
                self._latest.pop(job_id, None)  # it is older
            self._store.run(tell, [Told(job_id, token, state, meta)])

    def tell_later(self, job_id: str, token: int, state: str, meta: str) -> None:
        """Show a state soon, unless the job tells another one or is over before that; never waits."""
        with self._lock:
            idle = not self._latest
            self._latest[job_id] = (token, state, meta)
            if self._owner != os.getpid():  # also after a fork, where no thread came along
                self._owner, self._loop = os.getpid(), Loop("teller", self._tick)
                self._loop.start()
        if idle and self._loop is not None:
            self._loop.wake()

    def close(self) -> None:
        """End the thread; what it has not told is of jobs that are over, or that end with this process."""
        if self._loop is not None and self._owner == os.getpid():
            self._loop.stop()
            self._loop.join(LAST_WORDS)
            self._owner, self._loop = 0, None

    def _tick(self) -> float:
        wait = self._next_at - monotonic()
        if wait > 0:
            return wait
        with self._writing:
            with self._lock:
                latest, self._latest = self._latest, {}
            if not latest:
                return NOTHING_TO_TELL
            self._next_at = monotonic() + SPACING
            try:
                told = [Told(id_, token, state, meta) for id_, (token, state, meta) in latest.items()]
                self._store.run(tell, told)
            except BaseException:
                with self._lock:
                    self._latest = latest | self._latest
                raise
        return SPACING

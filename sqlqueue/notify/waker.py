"""Tells waiting workers and callers what was committed: one thread, one connection, many commits a message.

A NOTIFY takes a lock on the whole server at its commit, so it never travels in the user's transaction: this thread
sends it afterwards, on its own connection, at once when it is idle and every few milliseconds when it is not.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING

from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import StoreUnavailable
from sqlqueue.notify.channels import (
    News,
    merge,
    queue_channel,
    queue_news,
    results_channel,
    write_ids,
    write_news,
)
from sqlqueue.services.loop import Loop
from sqlqueue.store.ops.wake import wake

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlqueue.store.link import Link
    from sqlqueue.store.rows import Placed
    from sqlqueue.store.store import Store

SPACING = 0.002
"""Seconds between two messages: at most 500 a second from one process."""

LONGEST_SPACING = 0.01
"""The same while every message sums up many commits: those who wait are busy by then."""

MANY = 3
"""Commits in one message that are many."""

LAST_WORDS = 1.0
"""Seconds that an ending process waits for its last message to be sent."""


class Waker:
    """Collects what to tell and sends it. Does nothing on a database that has no notifications.

    Parameters
    ----------
    link: a connection to share; None makes one when there is something to tell.
    """

    def __init__(self, store: Store, link: Link | None = None) -> None:
        self._store = store
        self._lent = link
        self._lock = threading.Lock()
        self._queues: dict[str, News] = {}
        self._finished: list[str] = []
        self._later: list[tuple[float, dict[str, News]]] = []  # what to tell, and from when on
        self._told = 0  # commits since the last message
        self._spacing = SPACING
        self._spoke_at = 0.0
        self._ticks_at = 0.0  # until then the thread need not be woken: it comes by itself
        self._loop: Loop | None = None
        self._owner = 0
        self._idle = threading.Event()

    def may_speak(self) -> bool:
        """Whether the caller may send one message by itself, now; then that counts as this waker's.

        A message that travels behind the caller's own commit needs no thread to be woken and no other connection.
        """
        now = monotonic()
        with self._lock:
            if not self._store.whispers or now - self._spoke_at < self._spacing:
                return False
            self._spoke_at = now
            return True

    def placed(self, jobs: Iterable[Placed], delay: float = 0.0) -> None:
        """Tell the queues of jobs that are committed, or will be in ``delay`` seconds."""
        if not self._store.dialect.notifies:
            return
        news = queue_news(jobs)
        with self._lock:
            self._told += 1
            if delay > 0:
                self._later.append((monotonic() + delay, news))
            else:
                self._add(news)
        if news:
            self._poke()

    def _add(self, news: dict[str, News]) -> None:
        for queue, said in news.items():
            before = self._queues.get(queue)
            self._queues[queue] = merge(before, said) if before else said

    def finished(self, ids: Sequence[str]) -> None:
        """Tell waiting callers which jobs are over."""
        if not self._store.dialect.notifies or not ids:
            return
        with self._lock:
            self._finished += ids
        self._poke()

    def _poke(self) -> None:
        self._idle.clear()
        if self._loop is None or self._owner != os.getpid():
            self._start()
        elif monotonic() >= self._ticks_at:
            self._loop.wake()

    def _start(self) -> None:
        with self._lock:
            if self._loop is not None and self._owner == os.getpid():
                return
            self._owner = os.getpid()
            self._link = self._lent or self._store.pinned()
            self._loop = Loop("waker", self._tick)
            self._loop.start()
            atexit.register(self.close)

    def _tick(self) -> float:
        """Say what there is to say, if nothing was said a moment ago."""
        with self._lock:
            now = monotonic()
            self._ticks_at = self._spoke_at + self._spacing
            if now < self._ticks_at:
                return self._ticks_at - now
            due, self._later = [one for one in self._later if one[0] <= now], [x for x in self._later if x[0] > now]
            for _, news in due:
                self._add(news)
            queues, self._queues = self._queues, {}
            finished, self._finished = self._finished, []
            if not queues and not finished:
                if self._later:
                    return min(moment for moment, _ in self._later) - now
                self._idle.set()
                self._spacing = SPACING
                return 60.0
            told, self._told = self._told, 0
            self._spacing = min(self._spacing * 2, LONGEST_SPACING) if told >= MANY else SPACING
            self._spoke_at, self._ticks_at = now, now + self._spacing
        schema = self._store.dialect.schema
        messages = [(queue_channel(queue, schema), write_news(news)) for queue, news in queues.items()]
        if finished:
            messages.append((results_channel(schema), write_ids(finished)))
        try:
            self._link.run(wake, messages)
        except StoreUnavailable:
            with self._lock:  # said again when the database is back
                self._add(queues)
                self._finished = finished + self._finished
            raise
        return self._spacing

    def flush(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until everything is told; True if it is."""
        return self._loop is None or self._owner != os.getpid() or self._idle.wait(timeout)

    def close(self) -> None:
        """Send the last words and stop."""
        atexit.unregister(self.close)
        loop = self._loop
        if loop is not None and self._owner == os.getpid():
            self.flush(LAST_WORDS)
            loop.stop()
            if loop.join(LAST_WORDS) and self._lent is None:
                self._link.close()
            self._loop = None

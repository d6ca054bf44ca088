"""Waits for jobs to finish: any number of threads and coroutines, one listener and one query for all of them.

The listener says which ids are over, or only that something is; then the awaited ids are looked up together. Without
notifications the results are polled, often at first and more rarely as a job takes longer.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections import Counter
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlqueue.client.answers import check_timeout
from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import NoWorkerWarning, ResultTimeout, SqlqueueError, StoreUnavailable
from sqlqueue.notify.channels import results_channel
from sqlqueue.notify.listener import WATCH_EAGER, Listener
from sqlqueue.services.loop import Loop
from sqlqueue.store.ops.results import Record, finished, look_up
from sqlqueue.store.ops.workers import observe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlqueue.store.store import Store

FIRST_POLL = 0.005
LONGEST_POLL = 1.0
"""Seconds between two looks without a message: from the first to the second, a tenth of the time waited."""

ASK_FOR_WORKERS_AFTER = 5.0
"""Seconds of waiting after which the caller is warned when nobody serves the queue."""

LINGER = 30.0
"""Seconds that the listener is kept after the last waiter has left."""


class Waiting:
    """The process's waiting room for one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._futures: dict[str, Future[Record]] = {}
        self._waiters: Counter[str] = Counter()
        self._loop: Loop | None = None
        self._listener: Listener | None = None
        self._since = 0.0
        self._urgent = False

    @contextmanager
    def awaited(self, job_id: str) -> Iterator[Future[Record]]:
        """Look for a job while the block lasts: yields a future of its record, which many may share.

        When the last of those who wait has given up, the job is looked for no more.
        """
        with self._lock:
            found = self._futures.get(job_id)
            if found is None:
                found = self._futures[job_id] = Future()
                self._since = monotonic()
            self._waiters[job_id] += 1
            self._urgent = True
            self._start()
        try:
            yield found
        finally:
            with self._lock:
                self._waiters[job_id] -= 1
                if not self._waiters[job_id]:
                    del self._waiters[job_id]
                    self._futures.pop(job_id, None)

    def _start(self) -> None:
        if self._loop is None or not self._loop.running:
            channel = results_channel(self._store.dialect.schema)
            self._listener = Listener(self._store, [channel], self._heard, self._doubt, WATCH_EAGER)
            self._listener.start()
            self._loop = Loop("waiting", self._tick)
            self._loop.start()
        self._loop.wake()

    def _heard(self, _: str, payload: str) -> None:
        """Look what was named up at once, in the listener's thread: handing it over would take as long."""
        if payload == "*":
            self._doubt()
            return
        ids = [id_ for id_ in payload.split() if id_ in self._futures]
        try:
            self._look_up(ids)
        except SqlqueueError:
            self._doubt()

    def _doubt(self) -> None:
        self._urgent = True
        if self._loop is not None:
            self._loop.wake()

    def _tick(self) -> float:
        """Look the awaited ids up, fulfil what is over, and rest."""
        with self._lock:
            ids = list(self._futures)
            idle = monotonic() - self._since
        if not ids:
            return self._leave() if idle > LINGER else LINGER
        self._urgent = False
        self._look_up(ids)
        if self._urgent:
            return 0.0
        rest = min(max(idle / 10, FIRST_POLL), LONGEST_POLL)
        return LONGEST_POLL if self._listener is not None and self._listener.hears else rest

    def _look_up(self, ids: Sequence[str]) -> None:
        """Fulfil what is over."""
        for start in range(0, len(ids), 1000):
            for record in self._store.read(finished, ids[start : start + 1000]):
                with self._lock:
                    future = self._futures.pop(record.id, None)
                    self._since = monotonic()
                if future is not None:
                    future.set_result(record)

    def _leave(self) -> float:
        """Nobody has waited for a while: close the listener; the next waiter starts anew."""
        with self._lock:
            if self._futures or self._loop is None:
                return 0.0
            loop, self._loop = self._loop, None
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()
            listener.join(1.0)
        loop.stop()
        return 0.0

    def close(self) -> None:
        """Stop listening; waiters are left waiting."""
        with self._lock:
            loop, self._loop = self._loop, None
            listener, self._listener = self._listener, None
        for service in (listener, loop):
            if service is not None:
                service.stop()
                service.join(1.0)


def observer(shared: Future[Record]) -> Future[Record]:
    """Return a future that follows a shared one, so that cancelling one waiter leaves the others waiting."""
    own: Future[Record] = Future()

    def follow(done: Future[Record]) -> None:
        if own.set_running_or_notify_cancel():
            own.set_result(done.result())

    shared.add_done_callback(follow)
    return own


def call_each(
    each: Callable[[], object], interval: float, future: Future[Record], timeout: float | None
) -> float | None:
    """Call ``each`` every ``interval`` seconds until the future is done; return what is left of ``timeout``."""
    deadline = None if timeout is None else monotonic() + timeout
    while True:
        left = None if deadline is None else max(deadline - monotonic(), 0.0)
        if wait([future], interval if left is None else min(interval, left)).done or left == 0:
            return left
        each()


def wait_on(store: Store, job_id: str, future: Future[Record], timeout: float | None) -> Record:
    """Wait for a future of `Waiting` and return its record; raises ResultTimeout when that takes too long."""
    first, begun = _first(timeout), monotonic()
    deadline = None if timeout is None else begun + timeout
    with suppress(FutureTimeout):
        return future.result(first)
    if timeout is None or timeout > ASK_FOR_WORKERS_AFTER:
        warn_if_unserved(store, job_id)
    try:
        return future.result(None if deadline is None else max(deadline - monotonic(), 0.0))
    except FutureTimeout:
        raise _late(job_id, timeout) from None


async def await_on(store: Store, job_id: str, shared: Future[Record], timeout: float | None) -> Record:
    """The same, awaited."""
    future, first = asyncio.wrap_future(shared), _first(timeout)
    done, _ = await asyncio.wait([future], timeout=first)
    if not done and (timeout is None or timeout > ASK_FOR_WORKERS_AFTER):
        await asyncio.to_thread(warn_if_unserved, store, job_id)
        done, _ = await asyncio.wait([future], timeout=None if timeout is None else timeout - first)
    if not done:
        raise _late(job_id, timeout)
    return future.result()


def _first(timeout: float | None) -> float:
    check_timeout(timeout)
    return ASK_FOR_WORKERS_AFTER if timeout is None else min(timeout, ASK_FOR_WORKERS_AFTER)


def _late(job_id: str, timeout: float | None) -> ResultTimeout:
    return ResultTimeout(f"job {job_id} was not over within {timeout:g} s; it goes on, and get() may be called again")


def warn_if_unserved(store: Store, job_id: str) -> None:
    """Warn when no live worker serves a job's queue; whoever waits while the database is away only waits longer."""
    try:
        record = store.read(look_up, job_id)
        if record is None or record.finished_at is not None:
            return
        served = sorted({queue for worker in store.read(observe) for queue in worker.queues})
    except StoreUnavailable:
        return
    if record.queue not in served:
        known = f"served queues: {', '.join(served)}" if served else "no worker is running"
        message = (
            f"no live worker serves the queue {record.queue!r} of job {job_id}; {known}."
            f" Start one: sqlqueue worker --queue {record.queue}"
        )
        warnings.warn(message, NoWorkerWarning, stacklevel=4)

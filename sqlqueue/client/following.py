"""Calls back when a job is over, so that nobody has to wait for it.

Callbacks run one after the other in a thread of their own: they may wait for other jobs, and what they raise is logged.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from sqlqueue.client.waiting import Waiting
    from sqlqueue.store.ops.results import Record

log = logging.getLogger("sqlqueue")


class Following:
    """The callbacks of one process, for one waiting room."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None

    def follow(self, job_id: str, tell: Callable[[Record], object]) -> None:
        """Call ``tell`` with the job's record when it is over; at once when it is over already."""
        waiting = ExitStack()
        future = waiting.enter_context(self._waiting.awaited(job_id))

        def over(done: Future[Record]) -> None:
            waiting.close()
            self._submit(tell, done.result())

        future.add_done_callback(over)

    def _submit(self, tell: Callable[[Record], object], record: Record) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "sqlqueue-then")
            with suppress(RuntimeError):  # Python is about to end
                self._thread.submit(_guarded, tell, record)

    def close(self) -> None:
        """Let what has begun end, and call nobody any more."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=False, cancel_futures=True)


def _guarded(tell: Callable[[Record], object], record: Record) -> None:
    try:
        tell(record)
    except Exception:
        log.exception("a callback of job %s failed", record.id)

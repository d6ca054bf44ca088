"""`python -m benchmarks.load URL KIND`: puts no-op jobs into the queue at a steady pace until it is told to stop."""

import signal
import sys
import threading
import time

from sqlqueue.store.rows import Placed

from .filling import insert, job_id
from .ground import connected
from .sender import sender
from .tasks import QUEUE, app

PACE = {"postgres": 10_000, "sqlite": 5_000}  # jobs a second
EVERY = 0.05  # seconds between two chunks

stopping = threading.Event()


def load(url: str, kind: str) -> None:
    chunk, total, due = int(PACE[kind] * EVERY), 0, time.monotonic()
    with connected(url) as connection, sender(url):
        while not stopping.is_set():
            insert(connection, kind, chunk, first=total)
            app.client.waker.placed([Placed(job_id(total), QUEUE, 0, total)])
            total, due = total + chunk, due + EVERY
            time.sleep(max(due - time.monotonic(), 0.0))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    load(sys.argv[1], sys.argv[2])

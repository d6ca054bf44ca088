"""Tops a queue up while it is drained, so that its backlog stays as long as it was.

As a script: `python -m benchmarks.feeder URL SIZE` puts as many jobs in as were claimed, half of a small backlog or
5,000 at a time, until it is told to stop.
"""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from sqlqueue.store.rows import Placed

from .filling import insert, job_id
from .ground import Database, connected, rows
from .sender import sender
from .tasks import QUEUE, app
from .workers import ROOT

CHUNK = 5_000  # jobs
LOOK = 0.002  # seconds between two looks
STOP_WITHIN = 30.0  # seconds

stopping = threading.Event()


@contextlib.contextmanager
def fed(database: Database, url: str, size: int) -> Iterator[None]:
    """Keep so many jobs waiting while the block lasts."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.feeder", url, database.name, str(size)], cwd=ROOT)
    try:
        yield
        assert process.poll() is None, "the feeder has ended"
        process.terminate()
        assert process.wait(STOP_WITHIN) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def feed(url: str, kind: str, size: int) -> None:
    chunk, claimed, total = min(CHUNK, size // 2), 0, size
    with connected(url) as connection, sender(url):
        while not stopping.is_set():
            oldest = f"SELECT 1 FROM sqlqueue_jobs WHERE id = '{job_id(claimed + chunk - 1)}' AND state = 'ready'"
            if rows(connection, oldest):
                time.sleep(LOOK)
                continue
            insert(connection, kind, chunk, first=total)
            app.client.waker.placed([Placed(job_id(total), QUEUE, 0, total)])
            claimed, total = claimed + chunk, total + chunk


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    feed(sys.argv[1], sys.argv[2], int(sys.argv[3]))

"""A worker in this process, for tests of what tasks do together; `processes` has real ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlqueue import SQLQueue
from sqlqueue.worker.options import WorkerOptions
from sqlqueue.worker.pools.make import PoolSource
from sqlqueue.worker.shutdown import Shutdown
from sqlqueue.worker.worker import Worker


@contextmanager
def working(app: SQLQueue, *queues: str, concurrency: int = 4, name: str = "w", pool: str = "threads") -> Iterator[Any]:
    """Let a worker serve ``queues``, or the default one, while the block lasts."""
    options = WorkerOptions(queues=queues or ("default",), name=name, pool=pool, concurrency=concurrency)
    worker = Worker(app, options, PoolSource(options, app.tasks))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop(Shutdown.WARM)
        thread.join(30)

"""A worker in a thread of the tests' own process."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlqueue.celery.app.trace import TraceLog
from sqlqueue.celery.utils.dispatch import Signal
from sqlqueue.celery.utils.nodenames import anon_nodename
from sqlqueue.celery.worker import state
from sqlqueue.client.routes import queue_names
from sqlqueue.errors import ResultTimeout
from sqlqueue.events.catalog import WorkerReady
from sqlqueue.events.log import subscribe_log
from sqlqueue.worker.options import WorkerOptions
from sqlqueue.worker.pools.make import PoolSource
from sqlqueue.worker.shutdown import Shutdown
from sqlqueue.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlqueue.celery.app.base import Celery

WORKER_LOGLEVEL = os.environ.get("WORKER_LOGLEVEL", "error")

test_worker_starting = Signal(name="test_worker_starting")
test_worker_started = Signal(name="test_worker_started")
test_worker_stopped = Signal(name="test_worker_stopped")


@contextmanager
def start_worker(
    app: Celery, concurrency: int = 1, pool: str = "solo", loglevel: str | int = WORKER_LOGLEVEL,
    perform_ping_check: bool = True, ping_task_timeout: float = 10.0, shutdown_timeout: float = 10.0,
    **kwargs: Any,
) -> Iterator[Worker]:  # fmt: skip
    """Run a worker for as long as the block lasts."""
    test_worker_starting.send(sender=app)
    setup_app_for_worker(app, loglevel, None)
    options = WorkerOptions(
        tuple(kwargs.get("queues") or queue_names(app.conf)), name=kwargs.get("hostname") or anon_nodename(),
        pool=pool, concurrency=None if pool == "solo" else concurrency,
    )  # fmt: skip
    source = PoolSource(options, app.tasks)
    subscribe_log(app.events)
    state.watch(app.events)
    trace = TraceLog(app.events, options.node_name)
    ready = threading.Event()
    app.events.subscribe(lambda _: ready.set(), WorkerReady)
    worker = Worker(app, options, source)
    worker.turn_away(state.refusal)
    thread = threading.Thread(target=worker.run, name="celery-worker", daemon=True)
    thread.start()
    try:
        if not ready.wait(ping_task_timeout):
            raise RuntimeError("the worker did not start")
        test_worker_started.send(sender=app, worker=worker, consumer=None)
        if perform_ping_check and app.tasks["celery.ping"].delay().get(timeout=ping_task_timeout) != "pong":
            raise ResultTimeout("the worker does not answer")
        yield worker
    finally:
        worker.stop(Shutdown.WARM)
        thread.join(shutdown_timeout)
        trace.close()
        test_worker_stopped.send(sender=app, worker=worker)
        if thread.is_alive():
            raise RuntimeError("the worker did not end in time: consider a longer shutdown_timeout")


def setup_app_for_worker(app: Celery, loglevel: str | int, logfile: str | None) -> None:
    """Be the app of a worker."""
    app.finalize()
    app.set_current()
    app.set_default()
    app.log.setup(loglevel=loglevel, logfile=logfile)

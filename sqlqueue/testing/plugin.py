"""Fixtures for pytest; ask for them in a ``conftest.py``: ``pytest_plugins = ["sqlqueue.testing.plugin"]``.

Not registered as an entry point: then every run of pytest in the environment would import the worker.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from sqlqueue.app import SQLQueue
from sqlqueue.client.routes import queue_names
from sqlqueue.testing.assertions import assert_enqueued as assert_on
from sqlqueue.testing.assertions import refute_enqueued as refute_on
from sqlqueue.testing.clock import hold_clock
from sqlqueue.testing.drain import drain
from sqlqueue.worker.options import WorkerOptions
from sqlqueue.worker.pools.make import PoolSource
from sqlqueue.worker.shutdown import Shutdown
from sqlqueue.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlqueue.testing.clock import HeldClock

PATIENCE = 30.0
"""Seconds that a worker may take to end after its test."""


@pytest.fixture
def sqlqueue_url(tmp_path: Path) -> str:
    """Return the database of the test: a file of its own; override it for another, such as PostgreSQL."""
    return f"sqlite:///{tmp_path / 'sqlqueue.db'}"


@pytest.fixture
def sqlqueue_config() -> dict[str, Any]:
    """Return settings of the app; override it."""
    return {}


@pytest.fixture
def sqlqueue_app(sqlqueue_url: str, sqlqueue_config: dict[str, Any]) -> Iterator[SQLQueue]:
    """Return an app on the test's database; override it to have your own there, with ``borrow``."""
    app = SQLQueue("tests", broker=sqlqueue_url, **sqlqueue_config)
    yield app
    app.close()


@pytest.fixture
def sqlqueue_drain(sqlqueue_app: SQLQueue) -> Callable[..., Any]:
    """Return `drain` for the app: runs what is enqueued, here and now."""
    return partial(drain, sqlqueue_app)


@pytest.fixture
def sqlqueue_clock(sqlqueue_app: SQLQueue) -> Iterator[HeldClock]:
    """Return a clock that holds the time of the test: ``sqlqueue_clock.shift(3600)``."""
    with hold_clock(sqlqueue_app) as clock:
        yield clock


@pytest.fixture
def assert_enqueued(sqlqueue_app: SQLQueue) -> Callable[..., Any]:
    """Return `assert_enqueued` for the app."""
    return partial(assert_on, sqlqueue_app)


@pytest.fixture
def refute_enqueued(sqlqueue_app: SQLQueue) -> Callable[..., None]:
    """Return `refute_enqueued` for the app."""
    return partial(refute_on, sqlqueue_app)


@pytest.fixture
def sqlqueue_worker_options() -> dict[str, Any]:
    """Return options of the worker, such as ``queues`` or ``concurrency``; override it."""
    return {}


@pytest.fixture
def sqlqueue_worker(sqlqueue_app: SQLQueue, sqlqueue_worker_options: dict[str, Any]) -> Iterator[Worker]:
    """Let a worker in threads of this process serve the app while the test runs."""
    usual = {"queues": tuple(queue_names(sqlqueue_app.conf)), "name": "pytest", "pool": "threads", "concurrency": 2}
    options = WorkerOptions(**{**usual, **sqlqueue_worker_options})
    worker = Worker(sqlqueue_app, options, PoolSource(options, sqlqueue_app.tasks))
    thread = threading.Thread(target=worker.run, name="sqlqueue-worker")
    thread.start()
    try:
        yield worker
    finally:
        worker.stop(Shutdown.WARM)
        thread.join(PATIENCE)

"""A Celery project's app, tasks and worker, as its own tests would have them."""

import pytest

from sqlqueue.celery import Celery, _state, shared_task
from sqlqueue.celery.contrib.testing.app import ping
from sqlqueue.celery.contrib.testing.worker import start_worker
from sqlqueue.tasks.signature import Signature
from tests.support.ambient import SENDER


@pytest.fixture(autouse=True)
def ambient():
    """Celery's ambient state, for one test only."""
    finalizers = set(_state._on_app_finalizers)
    _state.made_up_app = None  # looking for tests has asked the proxies
    Signature.of_no_app = SENDER
    yield
    Signature.of_no_app = None
    _state._set_current_app(None)
    _state.set_default_app(None)
    _state._set_newest_app(None)
    _state.made_up_app = None
    _state._on_app_finalizers.clear()
    _state._on_app_finalizers.update(finalizers)


@pytest.fixture
def celery(database_url):
    """The app."""
    with Celery("proj", broker=database_url, result_backend="redis://localhost") as app:
        app.set_default()
        yield app


@pytest.fixture
def add():
    """A task of every app."""

    @shared_task(name="add", favourite="blue")
    def add(x, y=0):
        return x + y

    return add


@pytest.fixture
def broken(celery):
    """A task that fails."""

    @celery.task(name="broken")
    def broken(*_):
        raise KeyError("gone")

    return broken


@pytest.fixture
def worker(celery, add, broken):
    """A worker in a thread, with a pool of threads."""
    assert ping.name in celery.tasks
    with start_worker(celery, pool="threads", concurrency=2) as found:
        yield found

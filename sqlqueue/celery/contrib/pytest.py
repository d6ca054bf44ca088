"""Fixtures of Celery's names: ``pytest -p sqlqueue.celery.contrib.pytest``."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sqlqueue.celery.contrib.testing.app import TestApp, setup_default_app
from sqlqueue.celery.contrib.testing.worker import start_worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlqueue.celery.app.base import Celery

NO_WORKER = os.environ.get("NO_WORKER")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark ``celery`` known."""
    config.addinivalue_line("markers", "celery(**overrides): settings of the Celery app of a test")


@contextmanager
def _app(
    request: Any, settings: Mapping[str, Any], parameters: Mapping[str, Any], *, logging: bool
) -> Iterator[Celery]:
    mark = request.node.get_closest_marker("celery")
    found = TestApp(config={**settings, **(mark.kwargs if mark else {})}, enable_logging=logging, **(parameters or {}))
    with setup_default_app(found):
        yield found


@pytest.fixture(scope="session")
def use_celery_app_trap() -> bool:
    """Whether a test that asks for the current app fails; not built."""
    return False


@pytest.fixture(scope="session")
def celery_enable_logging() -> bool:
    """Whether the apps set up logging."""
    return False


@pytest.fixture(scope="session")
def celery_includes() -> Sequence[str]:
    """Modules that a worker imports."""
    return ()


@pytest.fixture(scope="session")
def celery_worker_pool() -> str:
    """The pool of workers."""
    return "solo"


@pytest.fixture(scope="session")
def celery_config() -> Mapping[str, Any]:
    """Settings of the apps."""
    return {}


@pytest.fixture(scope="session")
def celery_parameters() -> Mapping[str, Any]:
    """What the apps' class is called with besides."""
    return {}


@pytest.fixture(scope="session")
def celery_worker_parameters() -> Mapping[str, Any]:
    """What `start_worker` is called with besides."""
    return {}


@pytest.fixture(scope="session")
def celery_class_tasks() -> Sequence[Any]:
    """Task classes that a session's worker registers."""
    return []


@pytest.fixture(scope="session")
def celery_session_app(
    request: Any, celery_config: Any, celery_parameters: Any, celery_enable_logging: bool, use_celery_app_trap: bool,
) -> Iterator[Celery]:  # fmt: skip
    """Return the app of the session, which is the current one."""
    with _app(request, celery_config, celery_parameters, logging=celery_enable_logging) as app:
        app.set_default()
        app.set_current()
        yield app


@pytest.fixture(scope="session")
def celery_session_worker(
    celery_session_app: Celery, celery_includes: Any, celery_class_tasks: Any, celery_worker_pool: str,
    celery_worker_parameters: Any,
) -> Iterator[Any]:  # fmt: skip
    """Return a worker of the session's app that runs until the session ends."""
    if NO_WORKER:
        return
    for module in celery_includes:
        celery_session_app.loader.import_task_module(module)
    for kind in celery_class_tasks:
        celery_session_app.register_task(kind)
    with start_worker(celery_session_app, pool=celery_worker_pool, **celery_worker_parameters) as worker:
        yield worker


@pytest.fixture
def celery_app(
    request: Any, celery_config: Any, celery_parameters: Any, celery_enable_logging: bool, use_celery_app_trap: bool,
) -> Iterator[Celery]:  # fmt: skip
    """Return an app for one test."""
    with _app(request, celery_config, celery_parameters, logging=celery_enable_logging) as app:
        yield app


@pytest.fixture
def celery_worker(
    celery_app: Celery, celery_includes: Any, celery_worker_pool: str, celery_worker_parameters: Any
) -> Iterator[Any]:
    """Return a worker of the test's app that runs until the test ends."""
    if NO_WORKER:
        return
    for module in celery_includes:
        celery_app.loader.import_task_module(module)
    with start_worker(celery_app, pool=celery_worker_pool, **celery_worker_parameters) as worker:
        yield worker


@pytest.fixture
def depends_on_current_app(celery_app: Celery) -> None:
    """Make the test's app the current one."""
    celery_app.set_current()

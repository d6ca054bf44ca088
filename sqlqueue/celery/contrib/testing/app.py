"""Apps for tests."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlqueue.celery import _state
from sqlqueue.celery.app.base import Celery
from sqlqueue.celery.contrib.testing.tasks import ping as ping  # which every app then has
from sqlqueue.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_TEST_CONFIG = {
    "worker_hijack_root_logger": False,
    "worker_log_color": False,
    "accept_content": {"json"},
    "enable_utc": True,
    "timezone": "UTC",
    "broker_heartbeat": 0,
}


def TestApp(  # noqa: N802 - Celery's
    name: str | None = None, config: Mapping[str, Any] | None = None, enable_logging: bool = False,
    set_as_current: bool = False, **kwargs: Any,
) -> Celery:  # fmt: skip
    """Return an app for tests: without a broker it works in a file of its own."""
    found = {**DEFAULT_TEST_CONFIG, **(config or {})}
    if "broker_url" not in found and not kwargs.get("broker"):
        found["broker_url"] = Config.broker_url.replace(
            "sqlqueue.db", f"{tempfile.mkdtemp(prefix='sqlqueue-')}/jobs.db"
        )
    return Celery(name or "celery.tests", set_as_current=set_as_current, changes=found, **kwargs)


@contextmanager
def setup_default_app(app: Celery, use_trap: bool = False) -> Iterator[None]:
    """Leave current and default app as they were, after the block."""
    current, default, newest = _state._tls.current_app, _state.default_app, _state.newest_app
    finalizers = set(_state._on_app_finalizers)
    try:
        yield
    finally:
        _state.set_default_app(default)
        _state._set_newest_app(newest)
        _state._set_current_app(current)
        _state._on_app_finalizers.clear()
        _state._on_app_finalizers.update(finalizers)
        app.close()

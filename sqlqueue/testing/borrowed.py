"""A project's own app, borrowed for a test: on the test's database, with the test's settings."""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

from sqlqueue.app import SQLQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

App = TypeVar("App", bound=SQLQueue)


@contextmanager
def borrow(app: App, url: str, settings: Mapping[str, Any] | None = None) -> Iterator[App]:
    """Let an app work on another database for as long as a ``with`` block lasts; then its settings are as they were.

    It stays on that database afterwards, so that a test which forgets to borrow it cannot reach the real one.

    Parameters
    ----------
    url: of the database.
    settings: others than its own, by name.

    Raises
    ------
    ConfigError: an unknown setting, or a value that cannot be.
    """
    app.use_broker(url)
    before = {name: copy(value) for name, value in vars(app.conf).items()}  # Celery's counts what was set, in place
    try:
        app.conf.update(settings)
        yield app
    finally:
        app.close()
        vars(app.conf).clear()
        vars(app.conf).update(before)

"""Which app is meant by code that names none, and the tasks that belong to every app: Celery's ambient state."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlqueue.celery.local import Proxy
from sqlqueue.tasks.context import current_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.celery.app.base import Celery


class _Local(threading.local):
    current_app: Celery | None = None


def make_default() -> Celery:
    """Return a new app of default settings; ``app.madeup``, which has the class, puts its own in this place."""
    raise NotImplementedError


default_app: Celery | None = None
made_up_app: Celery | None = None
newest_app: Celery | None = None
"""The last app that was made to be current, in whichever thread: requests of a web server come in others."""

_tls = _Local()
_on_app_finalizers: set[Callable[[Celery], object]] = set()
_apps: WeakSet[Celery] = WeakSet()


def set_default_app(app: Celery | None) -> None:
    """Make an app the one of threads that have none."""
    global default_app  # noqa: PLW0603 - Celery's, and tests read it
    default_app = app


def _set_newest_app(app: Celery | None) -> None:
    global newest_app  # noqa: PLW0603 - as the one above
    newest_app = app


def _set_current_app(app: Celery | None) -> None:
    _tls.current_app = app


def get_current_app() -> Celery:
    """Return this thread's app, else the default one, else the last that was made, else a new one of default settings.

    Celery has only a new one left for threads that are not the app's own; here that would be another database.
    """
    return _tls.current_app or default_app or newest_app or _made_up()


def _made_up() -> Celery:
    """Return the app of code that has none: one for the process, which gives way to the first that is really made."""
    global made_up_app  # noqa: PLW0603 - as those above
    if made_up_app is None:
        made_up_app = make_default()
    return made_up_app


def app_or_default(app: Celery | None = None) -> Celery:
    """Return ``app``, or the current one."""
    return app or get_current_app()


def get_current_task() -> Any:
    """Return the task that runs here, None outside one."""
    request = _current_job()
    return None if request.called_directly else get_current_app().tasks.get(request.task)


def _current_job() -> Any:
    return current_job.get()


get_current_worker_task = get_current_task


def connect_on_app_finalize(callback: Callable[[Celery], object]) -> Callable[[Celery], object]:
    """Call ``callback`` with every app when it first looks for its tasks, and with those that have already."""
    _on_app_finalizers.add(callback)
    for app in list(_apps):
        if app.finalized:
            callback(app)
    return callback


def task_join_will_block() -> bool:
    """Whether ``get()`` is refused here, since it may wait for this very worker."""
    return not _current_job().may_wait


current_app: Any = Proxy(get_current_app)
current_task: Any = Proxy(get_current_task)

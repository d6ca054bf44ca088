"""``@shared_task``: a task that belongs to every app."""

from __future__ import annotations

from typing import Any

from sqlqueue.celery import _state
from sqlqueue.celery.local import Proxy


def shared_task(*args: Any, **options: Any) -> Any:
    """Make a task of a function for every app; what is returned is the current app's."""

    def decorate(function: Any) -> Any:
        def make(app: Any) -> Any:
            return app.make_task(function, **options)

        _state.connect_on_app_finalize(make)

        def find() -> Any:
            app = _state.get_current_app()
            return app.tasks[options.get("name") or app.name_for(function)]

        return Proxy(find, getattr(function, "__name__", None), function.__doc__)

    if args and callable(args[0]):
        return decorate(args[0])
    return decorate

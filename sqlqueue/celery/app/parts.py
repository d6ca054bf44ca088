"""What hangs on a Celery app besides: backend, connection, queues, loader, log; each as much as ported code asks."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any, Self

from sqlqueue.client.routes import queue_names
from sqlqueue.domain.states import State
from sqlqueue.store.ops.results import look_up

if TYPE_CHECKING:
    from types import ModuleType

    from sqlqueue.celery.app.base import Celery


class Connection:
    """Stands for a connection to a broker: there is none but the database's, which looks after itself."""

    recoverable_connection_errors = connection_errors = (ConnectionError,)

    def __init__(self, app: Celery) -> None:
        self._app = app

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def as_uri(self, **_: Any) -> str:
        """Return the database's URL, without its password."""
        return str(self._app.store)

    @property
    def default_channel(self) -> Any:
        """Stands for a channel."""
        return self

    queue_declare = property(lambda _: None)


class Backend:
    """Where results are: the database."""

    supports_native_join = True
    persistent = True

    def __init__(self, app: Celery) -> None:
        self.app = app

    def ensure_chords_allowed(self) -> None:
        """Chords are always allowed."""

    def get_task_meta(self, task_id: str) -> dict[str, Any]:
        """Return what is known of a job, in Celery's words; a result that is not kept is PENDING, as if unknown."""
        record = self.app.store.read(look_up, task_id)
        result = self.app.AsyncResult(task_id)
        kept = record is None or record.state is not State.SUCCEEDED or record.result is not None
        return {
            "task_id": task_id,
            "status": result.state if kept else "PENDING",
            "result": result.result if kept else None,
            "traceback": result.traceback,
            "date_done": result.date_done,
        }

    def get_state(self, task_id: str) -> str:
        """Return a job's state."""
        return self.app.AsyncResult(task_id).state

    get_status = get_state

    def get_result(self, task_id: str) -> Any:
        """Return a job's value."""
        return self.app.AsyncResult(task_id).result

    def forget(self, task_id: str) -> None:
        """Delete a job's result."""
        self.app.AsyncResult(task_id).forget()


class Amqp:
    """The queues."""

    def __init__(self, app: Celery) -> None:
        self.app = app

    @property
    def queues(self) -> dict[str, str]:
        """The queues by name."""
        return {name: name for name in queue_names(self.app.conf)}


class Loader:
    """Imports modules with tasks."""

    def __init__(self, app: Celery) -> None:
        self.app = app

    def import_task_module(self, module: str) -> ModuleType:
        """Import a module."""
        return importlib.import_module(module)

    import_module = import_from_cwd = import_task_module

    def import_default_modules(self) -> list[ModuleType]:
        """Import all that the settings name."""
        return [self.import_task_module(name) for name in (*self.app.conf.imports, *self.app.conf.include)]


class Log:
    """Sets up logging."""

    already_setup = False

    def __init__(self, app: Celery) -> None:
        self.app = app

    def setup(self, loglevel: str | int | None = None, **_: Any) -> None:
        """Let through what is at least as loud as ``loglevel``."""
        level = loglevel.upper() if isinstance(loglevel, str) else loglevel
        for name in ("celery", "sqlqueue"):
            logging.getLogger(name).setLevel(level or logging.WARNING)

    setup_logging_subsystem = setup

    def get_default_logger(self, name: str = "celery", **_: Any) -> logging.Logger:
        """Return a logger."""
        return logging.getLogger(name)

"""What hangs on a Celery app besides: backend, connection, queues, loader, log; each as much as ported code asks."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any, Self

from sqlqueue.celery import signals
from sqlqueue.celery.app import django
from sqlqueue.celery.app.task import Task
from sqlqueue.client.routes import queue_names
from sqlqueue.domain.states import State
from sqlqueue.errors import ConfigError
from sqlqueue.settings.names import REFUSALS
from sqlqueue.store.ops.results import look_up
from sqlqueue.tasks.context import current_job
from sqlqueue.tasks.discovery import Discovery
from sqlqueue.tasks.telling import show_state

if TYPE_CHECKING:
    from types import ModuleType

    from sqlqueue.celery.app.base import Celery


class NoSuchPart(ConfigError, AttributeError):
    """A part of Celery that is not here; ``hasattr`` says no."""


MISSING = {
    "pool": "there are no connections to a broker; the database's look after themselves",
    "producer_pool": "a send is one insert: use send_task",
    "producer_or_acquire": "a send is one insert: use send_task",
    "default_producer": "a send is one insert: use send_task",
    "steps": "a worker has no bootsteps: connect to its signals, such as worker_init, worker_ready, worker_shutdown",
    "user_options": "the command line takes no options of yours: use settings, or variables of the environment",
    "Worker": "start one with app.worker_main(['worker', ...]), or in a test with celery.contrib.testing.worker",
    "WorkController": "start one with app.worker_main(['worker', ...])",
    "Beat": "there is no beat yet",
    "annotations": "ask for the setting: app.conf.task_annotations",
    "setup_security": REFUSALS["security_key"][0],
}
"""What an app of Celery has and one here has not, and what to use instead."""

OWN = ("loader", "amqp", "events", "log", "control")
"""Arguments of Celery's app that are classes of its machinery."""


def refuse(name: str, given: Any) -> None:
    """Raise ConfigError for a class of somebody's own in the place of Celery's machinery; its own names are nothing."""
    usual = isinstance(given, str) and (given.startswith("celery.") or given in ("app", "default"))
    if given is not None and not usual:
        raise ConfigError(f"Celery({name}={given!r}): there is no such part here that could be another: leave it out")


def usual_task(usual: type[Any]) -> type[Any]:
    """Return the class of an app's tasks: in a Django project, of those that can wait for its transaction."""
    if usual is not Task or not django.runs_here():
        return usual
    found: type[Any] = importlib.import_module("sqlqueue.celery.contrib.django.task").DjangoTask
    return found


def missing(name: str) -> NoSuchPart:
    """Say that an app has no such part, and what to use instead."""
    return NoSuchPart(f"a Celery app of sqlqueue has no {name}: {MISSING[name]}")


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

    def store_result(self, task_id: str, result: Any, state: str, *_: Any, **__: Any) -> Any:
        """Let a running job show a state, as `Task.update_state` does; of a job that does not run nothing is kept.

        Parameters
        ----------
        result: what a handle's ``info`` is meanwhile; it is also returned.

        Raises
        ------
        EncodingError: it could not be stored. TaskError: the state is no name.
        """
        show_state(self.app._sender, current_job.get(), state, result, task_id)
        return result

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
        """Import all that the settings name, and what `autodiscover_tasks` was told to find."""
        found = [*self.app.discovery.import_all(), *self.app.conf.imports, *self.app.conf.include]
        return [self.import_task_module(name) for name in found]


class Found(Discovery):
    """What an app is to import when a worker of it starts; those who are connected to `import_modules` go first."""

    def __init__(self, app: Celery) -> None:
        super().__init__()
        self._app = app

    def import_all(self) -> list[str]:
        """Import it, for an app that is the one of this process from now on, in every thread."""
        self._app.set_current()
        self._app.set_default()
        signals.import_modules.send(self._app)
        django.prepare()
        return super().import_all()


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

"""`Celery`: our app, made and asked as Celery's is."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from sqlqueue.app import SQLQueue
from sqlqueue.celery import _state
from sqlqueue.celery.app.client import CeleryClient
from sqlqueue.celery.app.conf import CeleryConfig
from sqlqueue.celery.app.control import COMMANDS, Control
from sqlqueue.celery.app.events import CeleryEvents
from sqlqueue.celery.app.parts import Amqp, Backend, Connection, Loader, Log
from sqlqueue.celery.app.report import bugreport
from sqlqueue.celery.app.task import AGAIN, Task
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.limits import complaint
from sqlqueue.errors import ConfigError
from sqlqueue.tasks.options import TaskOptions, read_options
from sqlqueue.tasks.registry import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlqueue.tasks.registry import Registry

_TASK_OPTIONS = frozenset(TaskOptions.__annotations__)
_IGNORED = frozenset({"accept_magic_kwargs", "serializer", "compression", "acks_on_failure_or_timeout"})


class Celery(SQLQueue):
    """One application, under Celery's names.

    Parameters
    ----------
    main: name of the module that defines it.
    set_as_current: be what `current_app` is from now on.
    changes: settings, as those given by name.
    backend: Celery's results store; results are kept beside the jobs, whatever it says.
    """

    task_cls = Task
    config_cls = CeleryConfig
    client_cls = CeleryClient

    def __init__(
        self, main: str | None = None, *, backend: Any = None, broker: Any = None, set_as_current: bool = True,
        changes: Mapping[str, Any] | None = None, config_source: Any = None, namespace: str | None = None,
        **settings: Any,
    ) -> None:  # fmt: skip
        for part in ("loader", "amqp", "events", "log", "control", "tasks", "fixups", "autofinalize"):
            settings.pop(part, None)  # classes of Celery's own machinery
        self.strict_typing = settings.pop("strict_typing", True)
        self.task_cls = settings.pop("task_cls", None) or type(self).task_cls
        self.finalized = False
        url = broker or os.environ.get("CELERY_BROKER_URL")
        super().__init__(
            main, broker=url, backend=backend, config_source=config_source, namespace=namespace,
            **{**(changes or {}), **settings},
        )  # fmt: skip
        self.events = CeleryEvents(lambda: self.client)
        for command in COMMANDS:
            self.inspect_command(command)
        _state._apps.add(self)
        if set_as_current:
            self.set_current()

    def __repr__(self) -> str:
        return f"<Celery {self.main or '__main__'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def set_current(self) -> None:
        """Be this thread's current app."""
        _state._set_current_app(self)

    def set_default(self) -> None:
        """Be the app of threads that have none."""
        _state.set_default_app(self)

    def finalize(self, auto: bool = False) -> None:
        """Take the tasks that belong to every app."""
        if not self.finalized:
            self.finalized = True
            for make in list(_state._on_app_finalizers):
                make(self)

    @property
    def tasks(self) -> Registry:
        """The tasks by name, with those that belong to every app."""
        self.finalize()
        return self._registry.annotated(self.conf.task_annotations)

    @tasks.setter
    def tasks(self, registry: Registry) -> None:
        self._registry = registry

    def task(self, *given: Any, **options: Any) -> Any:
        """Make a task of a function."""
        if given and callable(given[0]):
            return self.make_task(given[0], **options)
        return lambda function: self.make_task(function, **options)

    def make_task(self, function: Callable[..., Any], **options: Any) -> Any:
        """Make a task of a function, with any options: those that are none are its attributes."""
        wrap = options.pop("filter", None)
        if wrap is not None:
            return wrap(self.make_task(function, **options))
        options.pop("backend", None)  # results are kept beside the jobs
        if not self.strict_typing:
            options.setdefault("typing", False)
        name = options.get("name") or self.gen_task_name(function)
        if name in self._registry and self._registry[name].function is function:
            return self._registry[name]
        left_out = _IGNORED
        if complaint(options.get("soft_time_limit"), options.get("time_limit")) is not None:
            left_out |= {"soft_time_limit", "time_limit"}  # Celery says so when the task is called
        ours = {key: value for key, value in options.items() if key in {*_TASK_OPTIONS, "bind"} - left_out}
        task: Any = super().task(**ours)(function)
        task.belong_to(self, {key: value for key, value in options.items() if key not in ours or key in AGAIN})
        return task

    def register_task(self, kind: Any, **options: Any) -> Any:
        """Register a task's class, or an instance of it."""
        if isinstance(kind, type):
            task: Any = super().register_task(kind, **options)
            task.belong_to(self, {})
            return task
        settings = read_options(options, type(kind))
        name = settings.name or self.gen_task_name(type(kind))
        kind.bound_to(self, name, settings, self._sender)
        self._registry.add(kind)
        return kind

    def gen_task_name(self, function: Any, module: str | None = None) -> str:
        """Return the name of a task."""
        return f"{module}.{function}" if module else name_of(self.main, function)

    @cached_property
    def client(self) -> Any:
        """The sender."""
        found: Any = super().client
        found.app = self
        return found

    def _refuse_another_backend(self) -> None:
        """Results are kept beside the jobs, whatever a Celery project's settings say."""

    def config_from_object(
        self, source: Any, silent: bool = False, force: bool = False, namespace: str | None = None
    ) -> None:
        """Read settings from a module, its name, a class, an object or a dict, at once."""
        super().config_from_object(source, silent=silent, namespace=namespace)

    def config_from_envvar(self, variable: str, silent: bool = False, force: bool = False) -> None:
        """The same from the module that an environment variable names."""
        super().config_from_envvar(variable, silent=silent)

    def autodiscover_tasks(self, packages: Any = None, related_name: str | None = "tasks", force: bool = False) -> None:
        """Let a worker import the module of that name of each of these packages that has one."""
        found = packages() if callable(packages) else packages or ()
        names = [f"{one}.{related_name}" if related_name else one for one in found]
        there = [name for name in names if _is_there(name)]
        self.conf.include = [*self.conf.include, *there]
        if force:
            self.loader.import_default_modules()

    def bugreport(self) -> str:
        """Return versions, tasks and settings, secrets hidden."""
        return bugreport(self)

    def worker_main(self, argv: Sequence[str] | None = None) -> None:
        """Be a worker of this app: ``argv`` as on the command line."""
        run = importlib.import_module("sqlqueue.celery.bin").run
        words = list(sys.argv[1:] if argv is None else argv)
        run(words if "worker" in words else ["worker", *words], self)

    def start(self, argv: Sequence[str] | None = None) -> None:
        """Do what a command line says."""
        run = importlib.import_module("sqlqueue.celery.bin").run
        run(list(sys.argv[1:] if argv is None else argv), self)

    def add_periodic_task(self, *_: Any, **__: Any) -> None:
        """Say that there is no beat yet, instead of never running what was asked for."""
        raise ConfigError("add_periodic_task: sqlqueue has no beat yet; keep Celery's, or cron, for this task")

    def add_defaults(self, source: Any) -> None:
        """Set settings that are not set."""
        for name, value in (source() if callable(source) else source).items():
            setattr(self.conf, name, value)

    def now(self) -> datetime:
        """Return the moment, with zone."""
        return SYSTEM_CLOCK.now()

    def connection(self, *_: Any, **__: Any) -> Connection:
        """Return what stands for a connection to a broker."""
        return Connection(self)

    connection_for_read = connection_for_write = connection_or_acquire = broker_connection = connection

    @cached_property
    def backend(self) -> Backend:
        """Where results are."""
        return Backend(self)

    @property
    def control(self) -> Control:
        """What is asked of workers."""
        return Control(self)

    @cached_property
    def amqp(self) -> Amqp:
        """The queues."""
        return Amqp(self)

    @cached_property
    def loader(self) -> Loader:
        """What imports tasks."""
        return Loader(self)

    @cached_property
    def log(self) -> Log:
        """What sets up logging."""
        return Log(self)

    @property
    def current_task(self) -> Any:
        """The task that runs here."""
        return _state.get_current_task()

    @property
    def Task(self) -> type[Task]:  # noqa: N802 - Celery's
        """The class of its tasks."""
        return self.task_cls


def _is_there(name: str) -> bool:
    """Tell whether there is such a module; raises ModuleNotFoundError when not even its package is there."""
    package, _, module = name.rpartition(".")
    parent = importlib.import_module(package) if package else None
    return importlib.util.find_spec(name) is not None if parent is None or hasattr(parent, "__path__") else not module


_state.make_default = lambda: Celery("default", set_as_current=False)

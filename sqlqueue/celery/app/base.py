"""`Celery`: our app, made and asked as Celery's is."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from sqlqueue.app import SQLQueue
from sqlqueue.celery import _state
from sqlqueue.celery.app import parts
from sqlqueue.celery.app import serializers as serializers
from sqlqueue.celery.app.brokers import broker_of
from sqlqueue.celery.app.client import CeleryClient, CeleryHere
from sqlqueue.celery.app.conf import CeleryConfig, settings_of
from sqlqueue.celery.app.control import COMMANDS, Control
from sqlqueue.celery.app.elsewhere import again
from sqlqueue.celery.app.events import CeleryEvents
from sqlqueue.celery.app.options import known_of
from sqlqueue.celery.app.parts import Amqp, Backend, Connection, Loader, Log
from sqlqueue.celery.app.report import bugreport
from sqlqueue.celery.app.task import KEPT, Task
from sqlqueue.celery.utils import uuid
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.errors import ConfigError
from sqlqueue.signals import Signal
from sqlqueue.tasks.discovery import of_django
from sqlqueue.tasks.options import read_options
from sqlqueue.tasks.registry import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from sqlqueue.tasks.registry import Registry


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
    here_cls = CeleryHere

    def __init__(
        self, main: str | None = None, *, backend: Any = None, broker: Any = None, set_as_current: bool = True,
        changes: Mapping[str, Any] | None = None, config_source: Any = None, namespace: str | None = None,
        **settings: Any,
    ) -> None:  # fmt: skip
        for part in parts.OWN:
            parts.refuse(part, settings.pop(part, None))
        for part in ("tasks", "fixups", "autofinalize"):
            settings.pop(part, None)
        self.on_configure, self.on_after_configure = Signal("on_configure"), Signal("on_after_configure")
        self.on_after_finalize, self.on_after_fork = Signal("on_after_finalize"), Signal("on_after_fork")
        self.strict_typing = settings.pop("strict_typing", True)
        self.task_cls = settings.pop("task_cls", None) or parts.usual_task(type(self).task_cls)
        self.finalized = False
        self.oid = self.thread_oid = uuid()
        super().__init__(
            main, broker=broker_of(os.environ, broker), backend=backend, config_source=config_source,
            namespace=namespace, **{**(changes or {}), **settings},
        )  # fmt: skip
        self.events = CeleryEvents(lambda: self.client)
        self.discovery = parts.Found(self)
        for command in COMMANDS:
            self.inspect_command(command)
        _state._apps.add(self)
        if set_as_current:
            self.set_current()
            _state._set_newest_app(self)
        self.on_init()

    def on_init(self) -> None:
        """Do what is to be done when it has been made; a hook for subclasses."""

    def __reduce__(self) -> Any:
        """Go to another process as its name and its settings; tasks are there already."""
        return again, (type(self), self.main, self.conf.changes)

    def __getattr__(self, name: str) -> Any:
        if name in parts.MISSING:
            raise parts.missing(name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

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
        if self.finalized:
            return
        self.finalized = True
        self.on_configure.send(self)
        self.on_after_configure.send(self, source=self.conf)
        for make in list(_state._on_app_finalizers):
            make(self)
        self.on_after_finalize.send(self)

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
        name = options["name"] = options.get("name") or self.name_for(function)
        if name in self._registry and self._registry[name].function is function:
            return self._registry[name]
        ours = known_of(options)
        task: Any = super().task(**ours)(function)
        task.belong_to(self, {key: value for key, value in options.items() if key not in ours or key in KEPT})
        return task

    def register_task(self, kind: Any, **options: Any) -> Any:
        """Register a task's class, or an instance of it."""
        if isinstance(kind, type):
            task: Any = super().register_task(kind, **options)
            task.belong_to(self, {})
            return task
        settings = read_options(options, type(kind))
        name = settings.name or self.name_for(type(kind))
        kind.bound_to(self, name, settings, self._sender)
        self._registry.add(kind)
        return kind

    def gen_task_name(self, name: str, module: str) -> str:
        """Return the name of a task that is given none; a subclass may have others."""
        return f"{(self.main if module == '__main__' else None) or module}.{name}"

    def name_for(self, function: Any) -> str:
        """Return what `gen_task_name` says of a function, or of a task's class."""
        if type(self).gen_task_name is Celery.gen_task_name:
            return name_of(self.main, function)
        return self.gen_task_name(function.__name__, function.__module__)

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

    def config_from_cmdline(self, argv: Sequence[str], namespace: str = "celery") -> None:
        """Read settings as the command line has them: ``worker.concurrency=3``, ``task_default_queue=mail``."""
        self.conf.update(settings_of(argv, namespace))

    def autodiscover_tasks(self, packages: Any = None, related_name: str | None = "tasks", force: bool = False) -> None:
        """Let a worker import the module of that name of each of these packages that has one.

        Parameters
        ----------
        packages: none: the apps of the Django project, if this is one.
        """
        self.discovery.add(packages or (lambda: of_django() or []), related_name, force=force)

    def select_queues(self, queues: Sequence[str] | None = None) -> None:
        """Let workers serve these queues by themselves, and no others."""
        if queues:
            self.conf.task_queues = list(queues)

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
        self.conf.add_defaults(source() if callable(source) else source)

    def now(self) -> datetime:
        """Return the moment, with zone."""
        return SYSTEM_CLOCK.meant()

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
    def timezone(self) -> tzinfo:
        """The zone in which a naive eta is meant."""
        return ZoneInfo(self.conf.timezone)

    def uses_utc_timezone(self) -> bool:
        """Tell whether that is UTC."""
        return self.conf.timezone == "UTC"

    @property
    def current_task(self) -> Any:
        """The task that runs here."""
        return _state.get_current_task()

    current_worker_task = current_task

    @property
    def Task(self) -> type[Task]:  # noqa: N802 - Celery's
        """The class of its tasks."""
        return self.task_cls

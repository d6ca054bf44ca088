"""`SQLQueue`: composes settings, store, client and registry, and holds no behaviour of its own.

A process that only enqueues imports no worker.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from sqlqueue.client.building import Surroundings
from sqlqueue.client.client import Client
from sqlqueue.client.commands import Commands
from sqlqueue.client.control import Control
from sqlqueue.client.events import Events
from sqlqueue.client.group import Groups, ResultSet
from sqlqueue.client.jobs import Jobs, Queues
from sqlqueue.client.request import NO_DEFAULTS
from sqlqueue.client.started import result_from_tuple
from sqlqueue.config import Config
from sqlqueue.errors import ConfigError
from sqlqueue.settings import sources
from sqlqueue.store.store import Store
from sqlqueue.store.urls import parse_url, refuse_another
from sqlqueue.tasks.context import ancestry, may_wait, sent
from sqlqueue.tasks.discovery import Discovery
from sqlqueue.tasks.eager import EagerSender, warn_that_it_is_sent
from sqlqueue.tasks.options import TaskOptions, read_options
from sqlqueue.tasks.registry import Registry, name_of, task_class
from sqlqueue.tasks.shapes import signature
from sqlqueue.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import FunctionType
    from typing import Unpack

    from sqlalchemy import URL, Engine

    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.client.result import AsyncResult
    from sqlqueue.client.started import Started
    from sqlqueue.tasks.decorator import BoundDecorator, Decorator
    from sqlqueue.tasks.discovery import Packages
    from sqlqueue.tasks.signature import Signature

P = ParamSpec("P")
V = TypeVar("V")


class SQLQueue:
    """One application: its tasks, its settings and its database.

    Parameters
    ----------
    main: name of the module that defines it; prefix of tasks defined in ``__main__``.
    broker: URL of the database, or a SQLAlchemy engine. Default: the setting ``broker_url``.
    schema: PostgreSQL: schema of the tables.
    backend: where results are kept: the broker, which is the default.
    include: modules with tasks that a worker imports too.
    config_source: a module, its name, a class, an object or a dict to read settings from; those given here win.
    namespace: how the names in ``config_source`` begin, such as ``CELERY``.
    settings: any setting of `Config`; those not given may be in the environment, as ``SQLQUEUE_<SETTING>``.
    """

    task_cls: type[Task[..., Any, Any]] = Task
    """The class of tasks that name no ``base``; set it, on the app or on a subclass, to have your own."""

    config_cls: type[Config] = Config
    client_cls: type[Client] = Client
    here_cls: type[EagerSender] = EagerSender
    """The classes of its settings, of its sender, and of what runs tasks here and now instead."""

    def __init__(
        self, main: str | None = None, *, broker: str | Engine | None = None, schema: str | None = None,
        backend: str | None = None, include: Sequence[str] | None = None, config_source: Any = None,
        namespace: str | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        self.main = main
        self._engine = None if broker is None or isinstance(broker, str) else broker
        url = broker if isinstance(broker, str) else None
        named = {"broker_url": url, "broker_schema": schema, "result_backend": backend, "include": include}
        self._given = {**settings, **{name: value for name, value in named.items() if value is not None}}
        self.conf = self.config_cls.from_environment(os.environ)
        self.config_from_object({} if config_source is None else config_source, namespace=namespace)
        self._registry = Registry(self.conf)
        self.discovery = Discovery()
        self.events = Events(lambda: self.client)
        self.commands = Commands()

    def __repr__(self) -> str:
        return f"<SQLQueue: {self.main or '?'}>"

    @property
    def tasks(self) -> Registry:
        """The tasks, by name; with what the setting ``task_annotations`` says of them."""
        return self._registry.annotated(self.conf.task_annotations)

    @property
    def broker(self) -> URL:
        """Where the database is; show it with `sqlqueue.store.urls.show`."""
        return parse_url(self.conf.broker_url if self._engine is None else self._engine.url)

    def config_from_object(
        self, source: Any, *, silent: bool = False, force: bool = False, namespace: str | None = None,  # noqa: ARG002
    ) -> None:  # fmt: skip
        """Read settings from a module, its name, a class, an object or a dict; what the constructor was given stays.

        Parameters
        ----------
        source: a name is ``package.module`` or ``package.module:attribute``.
        silent: leave the settings as they are when there is no such module.
        force: read them at once, which is done in any case.
        namespace: read only names that begin with it, such as ``CELERY`` for ``CELERY_BROKER_URL``.

        Raises
        ------
        ConfigError: no such module, an unknown setting, old and new names mixed, or a value that cannot be.
        """
        try:
            found = sources.find(source)
        except ConfigError:
            if not silent:
                raise
            return
        self.conf.read(found, namespace)
        self.conf.update(self._given)

    def config_from_envvar(self, variable: str, *, silent: bool = False, force: bool = False) -> None:
        """The same from the module that an environment variable names."""
        name = os.environ.get(variable)
        if name:
            self.config_from_object(name, silent=silent, force=force)
        elif not silent:
            raise ConfigError(f"${variable} is not set: it must name the module with the settings")

    def use_broker(self, url: str) -> None:
        """Work on another database from now on."""
        self.close()
        self._engine = None
        self._given["broker_url"] = self.conf.broker_url = url

    @cached_property
    def store(self) -> Store:
        """The database; reached when first used."""
        self._refuse_another_backend()
        return Store(
            self.conf.broker_url if self._engine is None else self._engine,
            schema=self.conf.broker_schema,
            notifies=self.conf.broker_notifications,
            pooler=self.conf.broker_pooler,
            synchronous=self.conf.broker_synchronous,
        )

    def _refuse_another_backend(self) -> None:
        refuse_another(self.conf.result_backend, self.broker)

    @cached_property
    def client(self) -> Client:
        """The sender."""
        app = Surroundings(ancestry, self._defaults_of, may_wait, sent, self.here_cls(self.tasks, self.conf))
        return self.client_cls(self.store, self.conf, self.events, app)

    @property
    def jobs(self) -> Jobs:
        """Jobs for an operator: list, show, revoke, retry, forget, purge."""
        return Jobs(self.client)

    @property
    def queues(self) -> Queues:
        """Queues for an operator: pause, resume, count."""
        return Queues(self.client)

    @property
    def control(self) -> Control:
        """Commands to running workers, and questions."""
        return Control(self.client)

    def control_command(self, function: Any = None, /, **options: Any) -> Any:
        """Let workers understand a command that changes something: ``@app.control_command``; see `Command`.

        Its first parameter is the worker's panel, the others are the command's arguments.
        """
        return self.commands.add(function, changes=True, **options)

    def inspect_command(self, function: Any = None, /, **options: Any) -> Any:
        """The same of one that only looks."""
        return self.commands.add(function, changes=False, **options)

    def _defaults_of(self, name: str) -> Defaults:
        """Return what a task says about its calls; nothing, of one that is not registered here."""
        return task.defaults if (task := self._registry.get(name)) is not None else NO_DEFAULTS

    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, V]], /) -> Task[P, V, Coroutine[Any, Any, V]]: ...
    @overload
    def task(self, function: Callable[P, V], /) -> Task[P, V, V]: ...
    @overload
    def task(self, *, bind: Literal[True], **options: Unpack[TaskOptions]) -> BoundDecorator: ...
    @overload
    def task(self, *, bind: Literal[False] = False, **options: Unpack[TaskOptions]) -> Decorator: ...
    def task(self, function: Any = None, /, *, bind: bool = False, **options: Any) -> Any:  # type: ignore[misc]
        """Make a task of a function: ``@app.task`` or ``@app.task(option=...)``; see `TaskSettings`."""
        kind = task_class(options.pop("base", None), self.task_cls)
        settings = read_options(options, kind)

        def decorate(function: FunctionType) -> Task[..., Any, Any]:
            name = name_of(self.main, function, settings.name)
            task: Task[..., Any, Any] = kind(function, name, settings, self._sender, bind=bind)
            self._registry.add(task)
            return task

        return decorate if function is None else decorate(function)

    def register_task(self, kind: type[Task[..., Any, Any]], **options: Unpack[TaskOptions]) -> Task[..., Any, Any]:
        """Make a task of a subclass of `Task` with a method ``run``; its attributes are the task's options."""
        run: Any = getattr(kind, "run", None)
        if run is None:
            raise ConfigError(f"{kind!r} is no subclass of Task with a method run()")
        settings = read_options(options, kind)
        name = settings.name or name_of(self.main, kind)
        task = kind(run, name, settings, self._sender, bind=True)
        self._registry.add(task)
        return task

    def autodiscover_tasks(
        self, packages: Packages = None, related_name: str | None = "tasks", *, force: bool = False
    ) -> None:  # fmt: skip
        """Let workers, and ``sqlqueue`` commands, import the module ``related_name`` of each package that has one.

        Parameters
        ----------
        packages: names, or a function that returns them; None: the apps of the Django project.
        force: import them now.
        """
        self.discovery.add(packages, related_name, force=force)

    def _sender(self) -> Any:
        tasks = self.tasks
        return self.here_cls(tasks, self.conf) if self.conf.task_always_eager else self.client

    @property
    def sender(self) -> Any:
        """What sends signatures: the client, or, with ``task_always_eager``, what runs them instead."""
        return self._sender()

    def send_task(
        self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[Any]:  # fmt: skip
        """Send a job by its task's name, which need not be registered here; ``task_always_eager`` does not count."""
        warn_that_it_is_sent(self.conf)
        return self.client.send(name, args, kwargs or {}, options, self._defaults_of(name))

    async def asend_task(
        self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[Any]:  # fmt: skip
        """The same, awaited."""
        warn_that_it_is_sent(self.conf)
        return await self.client.asend(name, args, kwargs or {}, options, self._defaults_of(name))

    def using(self, connection: Any) -> AbstractContextManager[None]:
        """Let every send of a ``with`` block join the transaction of ``connection``.

        Parameters
        ----------
        connection: SQLAlchemy Session, Connection, AsyncSession or AsyncConnection, psycopg or sqlite3 connection.
        """
        return self.client.callers.using(connection)

    def AsyncResult(self, id: str) -> AsyncResult[Any]:  # noqa: A002, N802 - Celery's name
        """Return a handle on the job of that id."""
        return self.client.result_type(id, self.client)

    @property
    def GroupResult(self) -> Groups:  # noqa: N802 - Celery's name
        """Make handles on groups: ``app.GroupResult.restore(id)`` returns one that was saved."""
        return Groups(self.client)

    def ResultSet(self, results: Iterable[Any] = ()) -> ResultSet:  # noqa: N802 - Celery's name
        """Return a handle on many jobs."""
        return ResultSet(results, self.client)

    def result_from_tuple(self, written: Sequence[Any]) -> Started:
        """Return the handle on a job or a group that its ``as_tuple()`` has written down."""
        return result_from_tuple(written, self.client)

    def signature(self, task: str | Mapping[str, Any], *args: Any, **options: Any) -> Signature:
        """Return a signature that this app sends: of a task by its name, or the one that a dict describes."""
        return signature(task, *args, app=self, **options)

    def close(self) -> None:
        """Close every connection of this app; it may be used again afterwards."""
        for part in [name for name in ("client", "store") if name in vars(self)]:
            vars(self).pop(part).close()

"""The store: one database, its dialect and the links to it. The only way in for the rest of the house."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Engine

from sqlqueue.errors import BindingError, SchemaError, StoreUnavailable
from sqlqueue.schema import SCHEMA_VERSION
from sqlqueue.store import migrate
from sqlqueue.store.lending import Lender
from sqlqueue.store.ops.schema import schema_version
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.postgres_link import ASYNCHRONOUS, WORKER_SETTINGS, PostgresPinned, PostgresPool, detached
from sqlqueue.store.sqlite import SQLite
from sqlqueue.store.sqlite_link import SQLiteLink
from sqlqueue.store.urls import POSTGRES_DRIVER, engine_for, parse_url, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.link import Link
    from sqlqueue.store.operation import Op

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """One database.

    Parameters
    ----------
    broker: a URL, or an existing SQLAlchemy engine, whose pool is then shared.
    schema: PostgreSQL: where the tables are.
    notifies: False never to LISTEN, NOTIFY or watch: everybody polls.
    pooler: PostgreSQL: whether a transaction pooler stands between; None: find out.
    synchronous: SQLite: ``FULL`` or ``NORMAL``.
    """

    def __init__(
        self,
        broker: str | URL | Engine,
        *,
        schema: str | None = None,
        notifies: bool = True,
        pooler: bool | None = None,
        synchronous: str = "FULL",
    ) -> None:
        self.url = parse_url(broker.url if isinstance(broker, Engine) else broker)
        self.dialect: Dialect
        self._link: Link
        self._engine: Engine | None = None
        self._own = False
        self._synchronous = synchronous
        if self.url.get_backend_name() == "sqlite":
            self.dialect = SQLite(watches=notifies)
            self._link = SQLiteLink(str(self.url.database), self.dialect, synchronous)
        else:
            shared = isinstance(broker, Engine) and broker.url.drivername == POSTGRES_DRIVER
            self._engine = broker if shared and isinstance(broker, Engine) else engine_for(self.url)
            self._own = not shared
            self.dialect = Postgres(schema, notifies=notifies, pooled=pooler)
            self._link = PostgresPool(self._engine, self.dialect, own=self._own)
        self._checked = False
        self._checking = threading.Lock()

    def __str__(self) -> str:
        return show(self.url)

    @property
    def whispers(self) -> bool:
        """Whether a message may travel behind a commit of `run`, at no cost to the caller."""
        return self.dialect.listens and self._own

    def run(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb of ``store.ops`` in one transaction of our own; see `Link.run`."""
        with self._guarded():
            return self._link.run(verb, *args, **kwargs)

    def read(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads."""
        with self._guarded():
            return self._link.read(verb, *args, **kwargs)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Check the tables before the first use, and say in errors which database it was."""
        self.check_schema()
        try:
            yield
        except SchemaError as error:
            self._checked = False
            raise SchemaError(self._missing()) from error
        except StoreUnavailable as error:
            raise type(error)(f"{self}: {error}") from error

    def pinned(self, *, asynchronous: bool = False) -> Link:
        """Return a link for one long-lived loop: a connection of its own where the database has many writers.

        Parameters
        ----------
        asynchronous: commits need not be on disk when they return, but for those of verbs that say so.
        """
        if self._engine is None:
            return self._link
        settings = WORKER_SETTINGS + ASYNCHRONOUS if asynchronous else WORKER_SETTINGS
        return PostgresPinned(self._engine, self.dialect, settings)

    @cached_property
    def lender(self) -> Lender:
        """Lends transactions to tasks."""
        shared = None if self._own or self._engine is None else self._engine
        url = self.url if self._engine is None else self._engine.url
        lender = Lender(url, self.dialect, shared, self._synchronous)
        if isinstance(self._link, SQLiteLink):
            self._link.lends = lambda: bool(lender.lent)
        return lender

    def listening_connection(self) -> object:
        """Return a raw connection of its own, for LISTEN or for watching the file; the caller closes it."""
        if self._engine is None:
            return SQLiteLink.watch(str(self.url.database))
        return detached(self._engine, self.dialect, "")

    def check_schema(self) -> None:
        """Make sure, once, that the tables are there and of this release's version; make them on first use of a file.

        Raises
        ------
        SchemaError: they are not; the message says what to run.
        """
        if self._checked:
            return
        with self._checking:
            if not self._checked:
                self._check()
                self._checked = True

    def _check(self) -> None:
        try:
            found = self._link.read(schema_version)
            if found is None and self._engine is None:
                found = self._link.run(schema_version)  # once more under the lock, which may be this process's own
            if found is None and self._engine is None:
                migrate.upgrade(self.url)
                found = SCHEMA_VERSION
        except BindingError as error:
            message = f"{self} has no sqlqueue tables yet, and {error}; or make them first: {self._command()}"
            raise BindingError(message) from error
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{self}: {error}") from error
        if found is None:
            raise SchemaError(self._missing())
        if found < SCHEMA_VERSION:
            raise SchemaError(
                f"the tables in {self} are of version {found}, this release needs {SCHEMA_VERSION}: {self._command()}"
            )
        if found > SCHEMA_VERSION:
            raise SchemaError(
                f"the tables in {self} are of version {found}, newer than this release"
                f" ({SCHEMA_VERSION}): upgrade sqlqueue-jobs"
            )

    def _missing(self) -> str:
        return f"there are no sqlqueue tables in {self}: make them with: {self._command()}"

    def _command(self) -> str:
        schema = f" --schema {self.dialect.schema}" if self.dialect.schema else ""
        return f"sqlqueue -b '{self}' migrate{schema}"

    def close(self) -> None:
        """Close all pooled connections."""
        if "lender" in vars(self):
            self.lender.close()
        self._link.close()

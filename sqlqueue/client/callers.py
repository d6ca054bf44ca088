"""Whose transaction a call joins: the one it names, the one of the block it stands in, or none but our own."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sqlqueue.client.bind import Bound, Guard, abind, bind
from sqlqueue.errors import BindingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlqueue.client.request import CallOptions
    from sqlqueue.store.store import Store


class Binding:
    """What ``app.using`` has put into force for a block of code."""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.open = True
        self.task = _current_asyncio_task()


_binding: ContextVar[Binding | None] = ContextVar("sqlqueue_binding", default=None)


class Callers:
    """Finds and binds the connections that callers hand in, for one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = Guard(str(store))

    def given(self, options: CallOptions) -> Any:
        """Return the connection whose transaction this call joins, None for our own."""
        session, connection = options.get("session"), options.get("connection")
        if session is not None and connection is not None:
            raise BindingError("give session= or connection=, not both")
        if session is not None or connection is not None:
            return session if session is not None else connection
        binding = _binding.get()
        if binding is None:
            return None
        if not binding.open or binding.task is not _current_asyncio_task():
            message = (
                "app.using(...) was entered in another asyncio task, or its block has ended: its transaction is not"
                " this code's. Enter app.using(...) here, or pass session="
            )
            raise BindingError(message)
        return binding.given

    def bound(self, given: Any) -> Bound:
        """Return a caller's connection, ready to run verbs on."""
        self._make_tables_on_first_use()
        bound = bind(given, self._store.dialect.schema)
        self._guard.check(bound)
        return bound

    async def abound(self, given: Any) -> Bound:
        """The same, awaited."""
        await asyncio.to_thread(self._make_tables_on_first_use)
        bound = await abind(given, self._store.dialect.schema)
        await self._guard.acheck(bound)
        return bound

    @contextmanager
    def using(self, given: Any) -> Iterator[None]:
        """Let every send of the block join the transaction of ``given``."""
        binding = Binding(given)
        before = _binding.set(binding)
        try:
            yield
        finally:
            binding.open = False
            _binding.reset(before)

    def _make_tables_on_first_use(self) -> None:
        """A file needs no `sqlqueue migrate`, nor does it when the first job joins a caller's transaction."""
        if not self._store.dialect.many_writers:
            self._store.check_schema()


def _current_asyncio_task() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None

"""Tasks that are registered after the worker has started, as in tests and in a shell: learned when a job asks for one.

Where jobs run in processes that were made before, nothing can be learned: such jobs stay strangers.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlqueue.errors import ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlqueue.store.link import Link
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.worker.pools.make import PoolSource
    from sqlqueue.worker.pools.pacer import Pacer
    from sqlqueue.worker.registration import Registration


class Newcomers:
    """What one worker does about tasks that it has not known from its start.

    Parameters
    ----------
    tasks: the app's.
    source: says which rates tasks have in this worker.
    """

    def __init__(self, tasks: Registry, registration: Registration, pool: Pacer, source: PoolSource) -> None:
        self._tasks = tasks
        self._registration = registration
        self._pool = pool
        self._source = source
        self._doubt = False

    def doubt(self) -> None:
        """Take note, in any thread, that there may be new ones; raises ConfigError where they cannot be learned."""
        if self._pool.kind == "prefork":
            raise ConfigError(
                "children of a prefork pool know what was registered when they were made: restart the worker (SIGHUP), "
                "or run it with pool threads, asyncio or solo"
            )
        self._doubt = True

    def expected(self) -> bool:
        """Whether somebody has said that there may be new ones, since this was asked last."""
        doubt, self._doubt = self._doubt, False
        return doubt

    def learn(self, link: Link) -> Collection[str]:
        """Return the names of tasks that are new, after saying in the worker's row that it runs them."""
        known = set(self._registration.tasks)
        new = [name for name in self._tasks if name not in known]
        if not new or self._pool.kind == "prefork":
            return ()
        with suppress(StoreUnavailable):  # then their jobs go back with a pause, and it is tried again
            self._registration.learn(link, self._tasks)
            self._pool.limits.learn(self._tasks[name] for name in new)
            for name, rate in self._source.rates(new).items():
                self._pool.set_rate(name, rate)
            return new
        return ()

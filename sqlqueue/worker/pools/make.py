"""Makes the pool of the kind asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.worker.execute import Executor
from sqlqueue.worker.limits import LimitBook
from sqlqueue.worker.pools.coroutines import AsyncioPool
from sqlqueue.worker.pools.pacer import Pacer
from sqlqueue.worker.pools.prefork import PreforkPool
from sqlqueue.worker.pools.prefork_child import Work
from sqlqueue.worker.pools.prefork_memory import Board
from sqlqueue.worker.pools.prefork_server import ForkServer
from sqlqueue.worker.pools.prefork_spawn import NO_SETTINGS, Spawn
from sqlqueue.worker.pools.solo import SoloPool
from sqlqueue.worker.pools.threads import ThreadPool
from sqlqueue.worker.process import this_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlqueue.domain.rates import Rate
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.worker.options import WorkerOptions
    from sqlqueue.worker.pools.pool import Pool, Report
    from sqlqueue.worker.pools.prefork_server import ChildWork


SPARE = 64
"""Seats beyond those asked for, so that a prefork pool can grow while it runs; memory is used only by those taken."""


class PoolSource:
    """What a pool is made from, begun while the process has no thread and no connection.

    Parameters
    ----------
    options: say which pool, and how many slots.
    tasks: the app's, all imported by now.
    settings: as text, what settings are to be in children that import the app anew.

    Raises
    ------
    ConfigError: the app's settings name a serializer that no import has registered.
    """

    def __init__(self, options: WorkerOptions, tasks: Registry, settings: str = NO_SETTINGS) -> None:
        tasks.contents.check()
        self._options = options
        self._tasks = tasks
        self._settings = settings
        self._server: ForkServer | None = None
        if options.pool == "prefork":
            self._server = ForkServer(self._work(options.most_slots + SPARE))
            self._server.start(lambda: None)

    def _work(self, seats: int) -> ChildWork:
        if self._options.start_method == "spawn":
            return Spawn(this_command(), seats, self._options.max_tasks, self._settings)
        return Work(self._executor, Board(seats), self._options.max_tasks, self._options.max_memory)

    def _executor(self) -> Executor:
        return Executor(self._tasks, self._options.node_name)

    def make(self, report: Report, wake: Callable[[], object]) -> Pacer:
        """Return the pool, which will report to ``report`` and may have to ``wake`` the consumer."""
        return Pacer(self._pool(report), self.rates(self._tasks), report, wake)

    def rates(self, names: Iterable[str]) -> dict[str, Rate]:
        """Return how often these tasks may start in this worker."""
        tasks, default = self._tasks, self._options.rate_limit
        said = names if self._options.rate_limits else ()
        return {name: default if (own := tasks[name].settings.rate_limit) is None else own for name in said}

    def _pool(self, report: Report) -> Pool:
        options = self._options
        limits = LimitBook(self._tasks, options.limits)
        if self._server is not None:
            return PreforkPool(options.slots, report, self._server, limits)
        if options.pool == "solo":
            return SoloPool(self._executor(), report, limits)
        kind = AsyncioPool if options.pool == "asyncio" else ThreadPool
        return kind(options.slots, self._executor(), report, limits)

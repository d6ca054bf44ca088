"""What a worker is told when it starts, checked once."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlqueue.domain.limits import UNLIMITED, Limits, complaint
from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlqueue.domain.rates import Rate

DEFAULT_NAME = "sqlqueue@%h"
START_METHODS = ("fork", "spawn")
POOLS = ("prefork", "threads", "asyncio", "solo")

COROUTINES = 100
"""Jobs at a time in the asyncio pool when nobody says how many: they wait, mostly."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Parameters of one worker.

    Parameters
    ----------
    name: with ``%h`` for the host's name, ``%n`` for its first part, ``%d`` for its domain; ``%%`` for a percent sign.
    queues: at least one.
    pool: ``prefork``, ``threads``, ``asyncio`` or ``solo``.
    concurrency: jobs at a time; None: as many as processors, 100 of the asyncio pool.
    poll_interval: seconds between two looks when nothing wakes the worker.
    weights: how often each queue goes first; None: they go in their order.
    limits: of jobs whose call and task say nothing.
    max_tasks, max_memory: after so many jobs, or a job that held so many KiB, a child is replaced; prefork only.
    start_method: ``fork``, or ``spawn``: each child is a fresh interpreter; prefork only.
    autoscale: the fewest and the most jobs at a time, instead of ``concurrency``.
    rate_limit: of tasks that say nothing.
    events: whether it tells what happens also while nobody watches.
    rate_limits: False: none counts, whatever tasks say.
    soft_shutdown_timeout: seconds that running tasks are given before a cold shutdown.
    """

    queues: tuple[str, ...]
    name: str = DEFAULT_NAME
    pool: str = "threads"
    concurrency: int | None = None
    poll_interval: float = 0.5
    weights: Mapping[str, int] | None = None
    limits: Limits = UNLIMITED
    max_tasks: int | None = None
    max_memory: int | None = None
    autoscale: tuple[int, int] | None = None
    soft_shutdown_timeout: float = 0.0
    rate_limit: Rate = None
    rate_limits: bool = True
    start_method: str = "fork"
    events: bool = False

    def __post_init__(self) -> None:
        if not self.queues or not all(self.queues):
            raise ConfigError("a worker needs the name of at least one queue: --queue NAME")
        if self.pool not in POOLS:
            raise ConfigError(f"there is no pool {self.pool!r}: use one of {', '.join(POOLS)}")
        if self.concurrency is not None and self.concurrency < 1:
            raise ConfigError(f"concurrency is {self.concurrency}: use 1 or more")
        wrong = complaint(*self.limits)
        if wrong is not None:
            raise ConfigError(wrong)
        for name, value in (("max-tasks-per-child", self.max_tasks), ("max-memory-per-child", self.max_memory)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}: use 1 or more")
            if value is not None and self.pool != "prefork":
                raise ConfigError(f"{name} needs children: use it with --pool prefork, not {self.pool}")
        if self.start_method not in START_METHODS:
            raise ConfigError(f"there is no pool start method {self.start_method!r}: use fork or spawn")
        if self.start_method != "fork" and self.pool != "prefork":
            raise ConfigError(f"pool-start-method needs children: use it with --pool prefork, not {self.pool}")
        if self.autoscale is not None:
            self._check_autoscale(*self.autoscale)

    def _check_autoscale(self, fewest: int, most: int) -> None:
        if self.pool == "solo":
            raise ConfigError("a solo pool runs one job at a time: --autoscale needs another pool")
        if not 1 <= fewest <= most:
            raise ConfigError(f"autoscale is {most},{fewest}: use MOST,FEWEST with MOST >= FEWEST >= 1")

    @property
    def node_name(self) -> str:
        """The name with its placeholders filled in."""
        host = socket.gethostname()
        short, _, domain = host.partition(".")
        return _fill(self.name, {"h": host, "n": short, "d": domain, "i": "0", "I": ""})

    def fill(self, text: str) -> str:
        """Return the name of a file with its placeholders filled in: ``%p`` the worker's name, ``%n`` up to its @."""
        node, _, host = self.node_name.partition("@")
        host = host or socket.gethostname()
        domain = host.partition(".")[2]
        return _fill(text, {"p": self.node_name, "n": node, "h": host, "d": domain, "i": "0", "I": ""})

    @property
    def slots(self) -> int:
        """Jobs at a time."""
        if self.pool == "solo":
            return 1
        if self.autoscale is not None:
            return self.autoscale[0]
        return self.concurrency or (COROUTINES if self.pool == "asyncio" else processors())

    @property
    def most_slots(self) -> int:
        """Jobs at a time when the pool has grown as far as it may by itself."""
        return self.autoscale[1] if self.autoscale is not None else self.slots


def _fill(text: str, values: Mapping[str, str]) -> str:
    return re.sub("%(.)", lambda found: {"%": "%", **values}.get(found[1], found[0]), text)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""What a worker is told when it starts, checked once."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_NAME = "sqlqueue@%h"
POOLS = ("prefork", "threads", "asyncio", "solo")

COROUTINES = 100
"""Jobs at a time in the asyncio pool when nobody says how many: they wait, mostly."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Parameters of one worker.

    Parameters
    ----------
    name: with ``%h`` for the host's name, ``%n`` for its first part, ``%d`` for its domain.
    queues: at least one.
    pool: ``prefork``, ``threads``, ``asyncio`` or ``solo``.
    concurrency: jobs at a time; None: as many as processors, 100 of the asyncio pool.
    poll_interval: seconds between two looks when nothing wakes the worker.
    weights: how often each queue goes first; None: they go in their order.
    """

    queues: tuple[str, ...]
    name: str = DEFAULT_NAME
    pool: str = "threads"
    concurrency: int | None = None
    poll_interval: float = 0.5
    weights: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if not self.queues or not all(self.queues):
            raise ConfigError("a worker needs the name of at least one queue: --queue NAME")
        if self.pool not in POOLS:
            raise ConfigError(f"there is no pool {self.pool!r}: use one of {', '.join(POOLS)}")
        if self.concurrency is not None and self.concurrency < 1:
            raise ConfigError(f"concurrency is {self.concurrency}: use 1 or more")

    @property
    def node_name(self) -> str:
        """The name with its placeholders filled in."""
        host = socket.gethostname()
        short, _, domain = host.partition(".")
        name = self.name.replace("%h", host).replace("%n", short).replace("%d", domain)
        return name.replace("%%", "%")

    @property
    def slots(self) -> int:
        """Jobs at a time."""
        if self.pool == "solo":
            return 1
        return self.concurrency or (COROUTINES if self.pool == "asyncio" else processors())


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Makes the pool of the kind asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.worker.execute import Executor
from sqlqueue.worker.pools.solo import SoloPool
from sqlqueue.worker.pools.threads import ThreadPool

if TYPE_CHECKING:
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.worker.pools.pool import Pool, Report

PoolSource = object


def prepare_pool(kind: str, tasks: Registry, name: str) -> PoolSource:  # noqa: ARG001 - the prefork pool's fork server
    """Make what must be made while the process has no thread and no connection."""
    return None


def make_pool(kind: str, slots: int, tasks: Registry, name: str, report: Report, source: PoolSource) -> Pool:
    """Return a pool of ``slots`` slots that reports to ``report``."""
    executor = Executor(tasks, name)
    if kind == "solo":
        return SoloPool(executor, report)
    return ThreadPool(slots, executor, report)

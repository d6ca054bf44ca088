"""Renew the leader's lease, or try to take it, and look at the workers, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.ops.lease import take_lease
from sqlqueue.store.ops.workers import Sighting, observe

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def watch(dialect: Dialect, name: str, holder: str, seconds: float) -> Op[tuple[bool, list[Sighting]]]:
    """Return whether ``holder`` now holds the lease of that name, and the workers that have not signed off."""
    leads = yield from take_lease(dialect, name, holder, seconds)
    workers = yield from observe(dialect)
    return leads, workers

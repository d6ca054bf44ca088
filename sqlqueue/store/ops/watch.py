"""What a worker does every other second: show that it lives, lead if nobody else does, look at the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.store.operation import Batch, Step, ask_last
from sqlqueue.store.ops.workers import Sighting, seen

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class Watched(NamedTuple):
    """Whether we lead now, whether we count as living, and the workers that have not signed off."""

    leads: bool
    lives: bool
    workers: list[Sighting]


def watch(dialect: Dialect, name: str, holder: str, seconds: float) -> Op[Watched]:
    """Show that the worker ``holder`` lives, renew the lease ``name`` or try to take it, and look at the workers.

    Parameters
    ----------
    seconds: how long the lease lasts from now.
    """
    lease = {"name": name, "holder": holder, "seconds": seconds}
    if dialect.sql.watch is not None:
        rows = yield from ask_last(dialect.sql.watch, **lease)
        leads = bool(rows) and bool(rows[0][-1])
    else:
        steps = (
            Step(dialect.sql.beat, {"incarnation": holder}),
            Step(dialect.sql.take_lease, lease),
            Step(dialect.sql.observe, {}),
        )
        _, taken, rows = yield Batch(steps, last=True)
        leads = bool(taken)
    workers = [seen(row) for row in rows]
    return Watched(leads, any(one.incarnation == holder for one in workers), workers)

"""Make due jobs ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def promote(dialect: Dialect, at_most: int = 1000) -> Op[tuple[list[Placed], float | None]]:
    """Move up to ``at_most`` due jobs to the end of their lanes.

    Returns them, and the seconds until the next job is due (None: none is scheduled; zero or less: more are due).
    """
    sql = dialect.sql
    next_due = yield from ask(sql.next_due)
    if not next_due or next_due[0][0] > 0:
        return [], next_due[0][0] if next_due else None
    if sql.draw_seq is None:
        rows = yield from ask(sql.promote, at_most=at_most)
    else:
        ((base,),) = yield from ask(sql.draw_seq, n=at_most)
        rows = yield from ask(sql.promote, at_most=at_most, base=base)
    next_due = yield from ask(sql.next_due)
    return [Placed(*row) for row in rows], next_due[0][0] if next_due else None

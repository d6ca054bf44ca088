"""Make due jobs ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask, ask_last
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def next_due(dialect: Dialect) -> Op[float | None]:
    """Return the seconds until the next job is due, zero or less when one is, None when none is scheduled."""
    rows = yield from ask_last(dialect.sql.next_due)
    return rows[0][0] if rows else None


def promote(dialect: Dialect, at_most: int = 1000) -> Op[tuple[list[Placed], float | None]]:
    """Move up to ``at_most`` due jobs to the end of their lanes.

    Returns them, and the seconds until the next job is due (None: none is scheduled; zero or less: more are due).
    """
    sql = dialect.sql
    due = yield from ask(sql.next_due)
    if not due or due[0][0] > 0:
        return [], due[0][0] if due else None
    if sql.draw_seq is None:
        rows = yield from ask(sql.promote, at_most=at_most)
    else:
        ((base,),) = yield from ask(sql.draw_seq, n=at_most)
        rows = yield from ask(sql.promote, at_most=at_most, base=base)
    due = yield from ask(sql.next_due)
    return [Placed(*row) for row in rows], due[0][0] if due else None

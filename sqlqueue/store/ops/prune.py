"""Drop results past their keep-until, and make room for those to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask, ask_last

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def prune(dialect: Dialect, seconds: float) -> Op[None]:
    """Forget results older than ``seconds``: whole days by dropping partitions, or a thousand rows at a time.

    Windows of unique keys are forgotten when they are over, and so are commands to workers, with what was answered,
    and elections.
    Slots and limits are forgotten when nobody needs them.
    """
    yield from ask(dialect.sql.close_windows)
    yield from ask(dialect.sql.prune_control)
    yield from ask(dialect.sql.prune_replies)
    yield from ask(dialect.sql.prune_leases)
    yield from ask(dialect.sql.forget_slots)
    if dialect.sql.forget_limits is not None:
        yield from ask(dialect.sql.forget_limits)
    yield from ask_last(dialect.sql.prune, seconds=seconds)

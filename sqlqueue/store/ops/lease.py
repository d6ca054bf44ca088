"""Elect one of many: whoever holds the lease, by the database's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def take_lease(dialect: Dialect, name: str, holder: str, seconds: float) -> Op[bool]:
    """Take the lease, or renew it, for ``seconds``; False when somebody else holds it."""
    rows = yield from ask(dialect.sql.take_lease, name=name, holder=holder, seconds=seconds)
    return bool(rows)

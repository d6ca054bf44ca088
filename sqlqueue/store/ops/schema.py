"""Look at the tables themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask, ask_last

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def has_tables(dialect: Dialect) -> Op[bool]:
    """Tell whether our tables are in the database that this connection sees."""
    rows = yield from ask(dialect.sql.has_tables)
    return bool(rows[0][0])


def schema_version(dialect: Dialect) -> Op[str | None]:
    """Return the revision of the tables, None when there are none."""
    if not (yield from has_tables(dialect)):
        return None
    rows = yield from ask_last(dialect.sql.schema_version)
    return str(rows[0][0]) if rows else None

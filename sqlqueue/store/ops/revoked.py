"""List the jobs that were revoked lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op

NEWEST = 10_000
"""Jobs that are looked at: no index says which are revoked."""


def revoked(dialect: Dialect, at_most: int = 1000) -> Op[list[str]]:
    """Return the ids of revoked jobs, the newest first, among the newest that are over and the newest that are not."""
    rows = yield from ask_last(dialect.sql.revoked, newest=NEWEST, at_most=at_most)
    return [row[0] for row in rows]

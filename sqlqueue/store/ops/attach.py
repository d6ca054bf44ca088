"""Add to the header of a chord while one of its members runs: the body waits for one more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask
from sqlqueue.store.ops.enqueue import enqueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.workflow import Edge
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op
    from sqlqueue.store.rows import Placed


def attach(
    dialect: Dialect, member: str, added: str, jobs: Sequence[NewJob], edges: Sequence[Edge]
) -> Op[list[Placed] | None]:
    """Insert ``jobs`` and let whatever body waits for ``member`` wait for ``added``, one of them, too.

    Returns the jobs that may run; None, and nothing is inserted, when no body waits for the member.
    """
    rows = yield from ask(dialect.sql.lock_bodies, member=member)
    if not rows:
        return None
    yield from ask(dialect.sql.attach, bodies=json.dumps([row[0] for row in rows]), added=added)
    return (yield from enqueue(dialect, jobs, None, edges))

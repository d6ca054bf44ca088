"""Throw away the jobs that wait in some queues, without a trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def purge(dialect: Dialect, queues: Sequence[str], at_most: int = 1000) -> Op[int]:
    """Delete one batch of ready and scheduled jobs and return how many; running ones go on.

    Nothing is left of them: to end jobs with a result that says so, revoke them.
    """
    rows = yield from ask_last(dialect.sql.purge, queues=json.dumps(list(queues)), at_most=at_most)
    return len(rows)

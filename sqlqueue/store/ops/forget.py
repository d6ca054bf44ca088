"""Forget the results of jobs, and that they ever were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def forget(dialect: Dialect, ids: Sequence[str]) -> Op[list[str]]:
    """Delete results and return the ids of those that were there; a job that is not over is left alone."""
    rows = yield from ask_last(dialect.sql.forget, ids=json.dumps(list(ids)))
    return [row[0] for row in rows]

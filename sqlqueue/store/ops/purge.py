"""Throw away the jobs that wait in some queues, without a trace; what waits for them is told that they were revoked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.workflow import Ended, feeds
from sqlqueue.store.operation import ask
from sqlqueue.store.ops.release import NOBODY, Released, release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class Purged(NamedTuple):
    """How many jobs were thrown away, and what became of those that waited for them."""

    jobs: int
    released: Released = NOBODY


def purge(dialect: Dialect, queues: Sequence[str], at_most: int = 1000) -> Op[Purged]:
    """Delete one batch of ready and scheduled jobs and return how many; running ones go on.

    Nothing is left of them: to end jobs with a result that says so, revoke them. Jobs that waited for them end, in the
    same transaction, as if they had been revoked.
    """
    rows = yield from ask(dialect.sql.purge, queues=json.dumps(list(queues)), at_most=at_most)
    awaited = [Ended(id_, "revoked") for id_, options in rows if feeds(options)]
    return Purged(len(rows), (yield from release(dialect, awaited)) if awaited else NOBODY)

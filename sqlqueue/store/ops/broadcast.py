"""The end of copies of jobs of broadcast queues whose worker does not come back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.domain.broadcast import abandoned
from sqlqueue.domain.which import Which
from sqlqueue.store.operation import ask
from sqlqueue.store.ops.revoke import revoke

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


NOT_BACK = "the worker that was to do it has not come back"


def end_abandoned(dialect: Dialect, seconds: float) -> Op[list[str]]:
    """End copies whose worker has been gone for so long, as revoked.

    Returns their ids, at most a thousand, and those of jobs that waited for them and never will run.
    """
    rows = yield from ask(dialect.sql.own_queues, seconds=seconds)
    queues = abandoned((name, json.loads(queues), bool(here)) for name, queues, here in rows)
    if not queues:
        return []
    copies = yield from ask(dialect.sql.copies_in, queues=json.dumps(queues))
    if not copies:
        return []
    found = yield from revoke(dialect, Which(ids=[row[0] for row in copies]), reason=NOT_BACK)
    return found.ended + found.released.ended

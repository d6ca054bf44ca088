"""Let jobs that failed or were revoked run again, by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from sqlqueue.domain.which import Which
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def retry(dialect: Dialect, which: Which, at_most: int = 1000, until: float | None = None) -> Op[list[Placed]]:
    """Make one batch of results jobs again and return where they stand: at the end of their lanes, ready.

    Their attempts, retries and crashes are counted anew, what went before is in their history, and their claim tokens
    are higher than ever, so that whoever once held them changes nothing any more. The result is gone in the same
    transaction. Jobs that succeeded, are not over, or never ran since they waited for others, are left alone.

    Parameters
    ----------
    at_most: size of the batch.
    until: by a filter, only those that were over by then, in seconds since 1970 by the database's clock.
    """
    sql = dialect.sql
    base = {}
    if sql.draw_seq is not None:
        ((drawn,),) = yield from ask(sql.draw_seq, n=at_most)
        base = {"base": drawn}
    if which.ids is not None:
        rows = yield from ask(sql.retry, **base, ids=json.dumps(list(which.ids)), at_most=at_most)
    else:
        params = which.params(dialect.moment(which.since))
        rows = yield from ask(sql.retry_where, **params, **base, at_most=at_most, until=until)
    if rows and not dialect.many_writers:
        yield from ask(sql.forget, ids=json.dumps([row[0] for row in rows]))
    return [Placed(*row) for row in rows]

"""Jobs whose task a worker does not know: who else does, and the end of those that nobody knows any more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask, ask_last
from sqlqueue.store.ops.release import release_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def known_elsewhere(dialect: Dialect, tasks: Sequence[str]) -> Op[set[str]]:
    """Return those of ``tasks`` that some live worker has registered."""
    rows = yield from ask_last(dialect.sql.known_elsewhere, tasks=json.dumps(list(tasks)))
    return {row[0] for row in rows}


def fail_unknown(dialect: Dialect, seconds: float) -> Op[list[str]]:
    """Fail jobs that were sent back as `NotRegistered` and whose task no worker has known for ``seconds``.

    Returns their ids, at most a thousand, and those of jobs that waited for them and never will run.
    """
    rows = yield from ask(dialect.sql.fail_unknown, seconds=seconds)
    ids = [row[0] for row in rows]
    if ids and dialect.sql.drop_unknown is not None:
        yield from ask(dialect.sql.drop_unknown, ids=json.dumps(ids))
    released = yield from release_after(dialect, ids)
    return ids + released.ended

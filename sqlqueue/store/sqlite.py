"""SQLite's statements: one writer at a time, so no SKIP LOCKED and no cursor; batches travel as JSON.

Statements that write begin with INSERT, UPDATE or DELETE: Python's driver opens a user's transaction only for those.
Moments are text of one width, ``2026-11-23 04:22:49.123000+00:00``, so that they compare as text.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC
from typing import TYPE_CHECKING

from sqlqueue.errors import SchemaError, StoreError, StoreUnavailable
from sqlqueue.store.dialect import Statements
from sqlqueue.store.sql import both
from sqlqueue.store.sql import sqlite_broadcast as broadcast
from sqlqueue.store.sql import sqlite_clock as clock
from sqlqueue.store.sql import sqlite_control as control
from sqlqueue.store.sql import sqlite_events as events
from sqlqueue.store.sql import sqlite_jobs as jobs
from sqlqueue.store.sql import sqlite_limits as limits
from sqlqueue.store.sql import sqlite_operator as operator
from sqlqueue.store.sql import sqlite_redrive as redrive
from sqlqueue.store.sql import sqlite_rest as rest
from sqlqueue.store.sql import sqlite_revoke as revoke
from sqlqueue.store.sql import sqlite_told as told
from sqlqueue.store.sql import sqlite_unique as unique
from sqlqueue.store.sql import sqlite_workflow as workflow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.settlement import Finish
    from sqlqueue.store.operation import Params

STATEMENTS = Statements.gathered(
    both,
    jobs,
    rest,
    revoke,
    operator,
    workflow,
    unique,
    control,
    limits,
    told,
    events,
    clock,
    broadcast,
    redrive,
)


class SQLite:
    """SQLite 3.35 and newer, one file on one host.

    Parameters
    ----------
    watches: False to poll the tables instead of the file's version.
    """

    name = "sqlite"
    schema: str | None = None
    notifies = False
    listens = False
    pooled: bool | None = False
    lanes_together = False
    many_writers = False
    sql = STATEMENTS

    def __init__(self, *, watches: bool = True) -> None:
        self.watches = watches

    def moment(self, when: datetime | None) -> object:
        """Return ``when`` as the text that the columns hold."""
        return when and when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")

    def call_params(self, jobs: Sequence[NewJob]) -> Params | None:
        """Return one JSON document: arrays of an id and the arguments, which are JSON text already."""
        return {"calls": "[" + ",".join([f"[{json.dumps(job.id)},{job.args},{job.kwargs}]" for job in jobs]) + "]"}

    def succeed_params(self, finished: Sequence[Finish], tokens: Sequence[int], worker: str) -> Params:
        """Return the same as `finish_params`: one statement serves all."""
        return self.finish_params(finished, tokens, worker)

    def finish_params(self, finished: Sequence[Finish], tokens: Sequence[int], worker: str) -> Params:
        """Return one JSON document: arrays of ten values, read by position."""
        rows = [
            (id_, token, str(state), result, runtime, crashes, *(failure or _NO_FAILURE))
            for (id_, state, result, runtime, failure, crashes), token in zip(finished, tokens, strict=True)
        ]
        return {"doc": json.dumps(rows), "worker": worker}

    def translate(self, error: BaseException) -> StoreError | None:
        """Return what a driver's exception means to the caller."""
        original = getattr(error, "orig", None) or error
        if not isinstance(original, sqlite3.Error):
            return None
        words = str(original)
        if "no such table: sqlqueue_" in words:
            return SchemaError(f"{words}. Make the tables with: sqlqueue migrate")
        if "database is locked" in words:
            return StoreUnavailable(f"{words}: {_UPGRADE}")
        if isinstance(original, sqlite3.OperationalError):
            return StoreUnavailable(words)
        return None


_NO_FAILURE = (None, None, None)

_UPGRADE = (
    "a transaction that has read cannot wait for other writers before it writes; begin it with BEGIN IMMEDIATE, or send"
    " the job first"
)

"""Move the time of a test's database on: what its rows wait for comes nearer by as much. For tests only.

The database's own clock stays what it is, and so does what workers judge by it: who lives, who leads, what may be
forgotten.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask, ask_last

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def shift(dialect: Dialect, seconds: float) -> Op[None]:
    """Move all moments that jobs, unique windows and slots of limits name back by ``seconds``."""
    sql = dialect.sql
    for id_, options in (yield from ask(sql.noted_moments)):
        yield from ask(sql.note_moment, id=id_, options=_earlier(options, seconds))
    for statement in (sql.shift_jobs, sql.shift_windows, sql.shift_slots):
        yield from ask(statement, seconds=seconds)


def database_clock(dialect: Dialect) -> Op[float]:
    """Return the database's now in seconds since 1970."""
    ((seconds,),) = yield from ask_last(dialect.sql.database_clock)
    return float(seconds)


def _earlier(options: str, seconds: float) -> str:
    """Return a blocked job's options with its note of when it is due moved back."""
    kept = json.loads(options)
    due = datetime.fromisoformat(kept["eta"]) - timedelta(seconds=seconds)
    return json.dumps(kept | {"eta": f"{due:%Y-%m-%d %H:%M:%S.%f}+00:00"}, ensure_ascii=False, separators=(",", ":"))

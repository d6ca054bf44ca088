"""SQLite: the copies of jobs of broadcast queues, and workers of long ago."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.sqlite_moments import statement

# A worker's own queue has its name behind an @. Whose row says so is looked at more closely by who asked.
OWN_QUEUES = statement("""
SELECT name, queues, stopped_at IS NULL OR stopped_at > <in:-:seconds>
  FROM sqlqueue_workers WHERE queues LIKE '%@%'
""")

_COPIES = " UNION ALL ".join(
    f"""
SELECT j.id FROM json_each(:queues) AS q CROSS JOIN sqlqueue_jobs j
 WHERE j.queue = q.value AND j.seq IS NOT NULL AND j.limits {limited} AND j.state = 'ready'
   AND json_extract(j.options, '$.broadcast') IS NOT NULL"""
    for limited in ("IS NULL", "IS NOT NULL")
)

COPIES_IN = Statement(f"{_COPIES} LIMIT 1000")

FORGET_WORKERS = statement("DELETE FROM sqlqueue_workers WHERE stopped_at < <in:-:seconds>")

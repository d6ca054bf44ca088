"""SQLite: keys that only one job may have."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.sqlite_jobs import CALLS
from sqlqueue.store.sql.sqlite_moments import statement

# A job that stays in its lane keeps its place there.
REPLACE_CALL = statement(f"""
UPDATE sqlqueue_jobs
   SET task = x.task, queue = x.queue, priority = x.priority, args = x.args, kwargs = x.kwargs, headers = x.headers,
       options = x.options, run_at = x.run_at, expires_at = x.expires_at, acks_late = x.acks_late,
       limits = x.limits, max_crashes = x.max_crashes, retries = 0, error = NULL,
       state = CASE WHEN x.run_at IS NULL OR x.run_at <= <now> THEN 'ready' ELSE 'scheduled' END,
       seq = CASE WHEN x.run_at > <now> THEN NULL
                  WHEN seq IS NOT NULL AND sqlqueue_jobs.queue = x.queue AND sqlqueue_jobs.priority = x.priority
                       AND sqlqueue_jobs.limits IS x.limits
                  THEN seq ELSE :base + 1 END
  FROM {CALLS}
 WHERE sqlqueue_jobs.unique_key = x.unique_key AND state IN ('ready', 'scheduled')
RETURNING id, queue, priority, seq
""")

OPEN_WINDOW = statement("""
INSERT INTO sqlqueue_windows (unique_key, job_id, until) VALUES (:key, :id, <in::seconds>)
    ON CONFLICT (unique_key) DO UPDATE SET job_id = excluded.job_id, until = excluded.until
 WHERE until <= <now>
RETURNING 1
""")

TAKE_OUT = Statement("DELETE FROM sqlqueue_jobs WHERE id IN (SELECT value FROM json_each(:ids))")

SHUT_WINDOWS = Statement("""
DELETE FROM sqlqueue_windows
 WHERE unique_key IN (SELECT value FROM json_each(:keys)) AND job_id IN (SELECT value FROM json_each(:ids))
""")

CLOSE_WINDOWS = statement("DELETE FROM sqlqueue_windows WHERE until <= <now>")

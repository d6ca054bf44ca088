"""PostgreSQL: keys that only one job may have."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.postgres_jobs import CALLS

# A job that stays in its lane keeps its place there.
REPLACE_CALL = Statement(f"""
UPDATE sqlqueue_jobs j
   SET task = y.task, queue = y.queue, priority = y.priority, args = y.args, kwargs = y.kwargs, headers = y.headers,
       options = y.options, run_at = y.run_at, expires_at = y.expires_at, acks_late = y.acks_late,
       limits = y.limits, max_crashes = y.max_crashes, retries = 0, error = NULL,
       state = CASE WHEN y.due THEN 'ready' ELSE 'scheduled' END,
       seq = CASE WHEN NOT y.due THEN NULL
                  WHEN j.seq IS NOT NULL AND j.queue = y.queue AND j.priority = y.priority
                       AND j.limits IS NOT DISTINCT FROM y.limits THEN j.seq
                  ELSE nextval('sqlqueue_jobs_seq') END
  FROM {CALLS}
 WHERE j.unique_key = y.unique_key AND j.state IN ('ready', 'scheduled')
RETURNING j.id, j.queue, j.priority, j.seq
""")

OPEN_WINDOW = Statement("""
INSERT INTO sqlqueue_windows AS w (unique_key, job_id, until)
VALUES (:key, :id, clock_timestamp() + CAST(:seconds AS double precision) * interval '1 second')
    ON CONFLICT (unique_key) DO UPDATE SET job_id = excluded.job_id, until = excluded.until
 WHERE w.until <= clock_timestamp()
RETURNING 1
""")

TAKE_OUT = Statement("""
DELETE FROM sqlqueue_jobs WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
""")

SHUT_WINDOWS = Statement("""
DELETE FROM sqlqueue_windows
 WHERE unique_key = ANY (ARRAY(SELECT json_array_elements_text(CAST(:keys AS json))))
   AND job_id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
""")

CLOSE_WINDOWS = Statement("DELETE FROM sqlqueue_windows WHERE until <= clock_timestamp()")

"""SQLite: what an operator asks for. Found by scanning where no index serves: rarely, and in batches."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.listing import count_never_ran, newest_first
from sqlqueue.store.sql.sqlite_jobs import with_attempt
from sqlqueue.store.sql.sqlite_moments import statement
from sqlqueue.store.sql.sqlite_redrive import NEVER_RAN
from sqlqueue.store.sql.sqlite_which import MATCHES

LIST_JOBS = Statement(newest_first(MATCHES, NEVER_RAN))

COUNT_NEVER_RAN = Statement(count_never_ran(MATCHES, NEVER_RAN))

_BY_ID = "r.id IN (SELECT value FROM json_each(:ids))"


def _again(found: str) -> str:
    """Return the statement that makes jobs of results; `FORGET` follows in the same transaction."""
    return f"""
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, headers, options, parent_id, root_id,
                           group_id, created_at, run_at, acks_late, max_crashes, claim_token, limits, history)
SELECT id, :base + row_number() OVER (ORDER BY finished_at, id), queue, priority, 'ready', task, args, kwargs, headers,
       options, parent_id, root_id, group_id, created_at, <now>, acks_late, max_crashes, claim_token + 1, limits,
       {with_attempt("runtime", "error", "finished_at")}
  FROM (SELECT * FROM sqlqueue_results r
         WHERE r.state IN ('failed', 'revoked') AND {found} AND NOT {NEVER_RAN}
           AND NOT EXISTS (SELECT 1 FROM sqlqueue_jobs u WHERE u.id = r.id)
         ORDER BY r.id LIMIT :at_most)
RETURNING id, queue, priority, seq
"""


RETRY = statement(_again(_BY_ID))

_IN_TIME = """
    (:until IS NULL OR r.finished_at <= strftime('%Y-%m-%d %H:%M:%f000+00:00', :until, 'unixepoch')) AND
"""

RETRY_WHERE = statement(_again(_IN_TIME + MATCHES))

FORGET = Statement("DELETE FROM sqlqueue_results WHERE id IN (SELECT value FROM json_each(:ids)) RETURNING id")

PURGE = Statement("""
DELETE FROM sqlqueue_jobs
 WHERE id IN (SELECT r.id FROM sqlqueue_jobs r
               WHERE r.queue IN (SELECT value FROM json_each(:queues)) AND r.state IN ('ready', 'scheduled')
               LIMIT :at_most)
RETURNING id, options
""")

PAUSE = statement("""
INSERT INTO sqlqueue_queues AS q (name, paused_at) VALUES (:name, <now>)
    ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(q.paused_at, excluded.paused_at)
RETURNING name
""")

COUNTS = Statement("""
SELECT queue, task, state, count(*), (julianday('now') - julianday(min(coalesce(run_at, created_at)))) * 86400.0
  FROM sqlqueue_jobs GROUP BY queue, task, state
""")

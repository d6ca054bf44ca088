"""PostgreSQL: what an operator asks for. Found by scanning where no index serves: rarely, and in batches."""

from __future__ import annotations

from sqlqueue.store.operation import Statement, by_index
from sqlqueue.store.sql.listing import count_never_ran, newest_first
from sqlqueue.store.sql.postgres_jobs import with_attempt
from sqlqueue.store.sql.postgres_redrive import NEVER_RAN
from sqlqueue.store.sql.postgres_which import MATCHES

LIST_JOBS = Statement(newest_first(MATCHES, NEVER_RAN))

COUNT_NEVER_RAN = Statement(count_never_ran(MATCHES, NEVER_RAN))

_BY_ID = "r.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))"


def _again(found: str) -> str:
    """Return the statement that makes jobs of results: in one, so that nobody ever sees both, or neither."""
    return f"""
WITH gone AS (
    DELETE FROM sqlqueue_results d
     WHERE d.id = ANY (ARRAY(SELECT r.id FROM sqlqueue_results r
                              WHERE r.state IN ('failed', 'revoked') AND {found} AND NOT {NEVER_RAN}
                              ORDER BY r.id LIMIT :at_most FOR UPDATE))
       AND d.state IN ('failed', 'revoked') AND NOT EXISTS (SELECT 1 FROM sqlqueue_jobs u WHERE u.id = d.id)
    RETURNING *
)
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, headers, options, parent_id, root_id,
                           group_id, created_at, run_at, acks_late, max_crashes, claim_token, limits, history)
SELECT id, nextval('sqlqueue_jobs_seq'), queue, priority, 'ready', task, args, kwargs, headers, options, parent_id,
       root_id, group_id, created_at, clock_timestamp(), acks_late, max_crashes, claim_token + 1, limits,
       {with_attempt("j.runtime", "j.error", "j.finished_at")}
  FROM (SELECT * FROM gone ORDER BY finished_at, id) AS j
RETURNING id, queue, priority, seq
"""


RETRY = by_index(_again(_BY_ID))

_IN_TIME = """
    (CAST(:until AS double precision) IS NULL OR r.finished_at <= to_timestamp(CAST(:until AS double precision))) AND
"""

RETRY_WHERE = Statement(_again(_IN_TIME + MATCHES))

FORGET = Statement("""
DELETE FROM sqlqueue_results WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
RETURNING id
""")

PURGE = Statement("""
DELETE FROM sqlqueue_jobs j
 WHERE j.id = ANY (ARRAY(
       SELECT r.id FROM sqlqueue_jobs r
        WHERE r.queue = ANY (ARRAY(SELECT json_array_elements_text(CAST(:queues AS json))))
          AND r.state IN ('ready', 'scheduled')
        LIMIT :at_most FOR UPDATE SKIP LOCKED))
RETURNING j.id, CAST(j.options AS text)
""")

PAUSE = Statement("""
INSERT INTO sqlqueue_queues AS q (name, paused_at) VALUES (:name, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(q.paused_at, excluded.paused_at)
RETURNING name
""")

COUNTS = Statement("""
SELECT queue, task, state, count(*),
       CAST(extract(epoch FROM clock_timestamp() - min(coalesce(run_at, created_at))) AS double precision)
  FROM sqlqueue_jobs GROUP BY queue, task, state
""")

"""SQLite: the life of a job. Batches travel as JSON; statements that write begin with the word that says so."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.columns import INTO_RESULTS, MAX_HISTORY, kept
from sqlqueue.store.sql.sqlite_moments import statement


def with_attempt(runtime: str, error: str, ended_at: str = "<now>", more: str = "") -> str:
    """Return the history of a job with its present attempt, which failed, at the end: see docs/adr/0012.

    Parameters
    ----------
    more: what the latest attempt alone is remembered with, as names and values.
    """
    return f"""
       json_insert(json_remove(
                   CASE WHEN json_array_length(coalesce(history, '[]')) < {MAX_HISTORY} THEN coalesce(history, '[]')
                        ELSE json_remove(history, '$[0]') END, '$[#-1].exception', '$[#-1].traceback'), '$[#]',
                   json_object('attempt', attempt, 'worker', worker, 'claimed_at', claimed_at, 'ended_at', {ended_at},
                               'runtime', {runtime}, 'error', {error}{more}))"""


WHY = ", 'exception', x.exception, 'traceback', x.traceback"


DRAW_SEQ = Statement("UPDATE sqlqueue_counters SET value = value + :n WHERE name = 'seq' RETURNING value - :n")

# What a call says, read from a JSON document of several.
CALLS = """
       (SELECT key + 1 AS n, json_extract(value, '$.id') AS id, json_extract(value, '$.queue') AS queue,
               json_extract(value, '$.priority') AS priority,
               json_extract(value, '$.task') AS task, json_extract(value, '$.args') AS args,
               json_extract(value, '$.kwargs') AS kwargs,
               json_extract(value, '$.headers') AS headers, json_extract(value, '$.options') AS options,
               json_extract(value, '$.parent_id') AS parent_id, json_extract(value, '$.root_id') AS root_id,
               json_extract(value, '$.group_id') AS group_id, json_extract(value, '$.unique_key') AS unique_key,
               json_extract(value, '$.limits') AS limits,
               coalesce(json_extract(value, '$.run_at'), CASE WHEN json_extract(value, '$.delay') IS NOT NULL
                        THEN <in:json_extract(value, '$.delay')> END) AS run_at,
               coalesce(json_extract(value, '$.expires_at'), CASE WHEN json_extract(value, '$.expires') IS NOT NULL
                        THEN <in:json_extract(value, '$.expires')> END) AS expires_at,
               json_extract(value, '$.acks_late') AS acks_late, json_extract(value, '$.max_crashes') AS max_crashes,
               coalesce(json_extract(value, '$.blocked'), 0) AS blocked
          FROM json_each(:jobs)) AS x
"""

ENQUEUE = statement(f"""
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, headers, options, parent_id, root_id,
                           group_id, unique_key, limits, run_at, expires_at, acks_late, max_crashes)
SELECT id, CASE WHEN NOT blocked AND (run_at IS NULL OR run_at <= <now>) THEN :base + n END, queue, priority,
       CASE WHEN blocked THEN 'blocked' WHEN run_at IS NULL OR run_at <= <now> THEN 'ready' ELSE 'scheduled' END,
       task, args, kwargs, headers, options, parent_id, root_id, group_id, unique_key, limits, run_at, expires_at,
       acks_late, max_crashes
  FROM {CALLS}
 WHERE true
    ON CONFLICT DO NOTHING
RETURNING id, queue, priority, seq
""")

# Calls of one task, due now, with nothing unusual: what they share is said once.
ENQUEUE_ALIKE = Statement("""
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, acks_late, max_crashes, parent_id,
                           root_id, group_id)
SELECT json_extract(value, '$[0]'), :base + 1 + key, :queue, :priority, 'ready', :task, json_extract(value, '$[1]'),
       json_extract(value, '$[2]'), :acks_late, :max_crashes, :parent_id, :root_id, :group_id
  FROM json_each(:calls)
 WHERE true
    ON CONFLICT (id) DO NOTHING
RETURNING id, queue, priority, seq
""")

# A job that is due now and says nothing unusual, as nearly all do.
ENQUEUE_ONE = Statement("""
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, acks_late, max_crashes)
VALUES (:id, :base + 1, :queue, :priority, 'ready', :task, :args, :kwargs, :acks_late, :max_crashes)
    ON CONFLICT (id) DO NOTHING
RETURNING id, queue, priority, seq
""")

FORGET_DUPLICATES = Statement("""
DELETE FROM sqlqueue_jobs
 WHERE id IN (SELECT value FROM json_each(:ids))
   AND EXISTS (SELECT 1 FROM sqlqueue_results r WHERE r.id = sqlqueue_jobs.id)
RETURNING id
""")

LANES = Statement("""
WITH RECURSIVE lane(queue, priority) AS (
    SELECT q.value, (SELECT max(j.priority) FROM sqlqueue_jobs j WHERE j.queue = q.value AND j.seq IS NOT NULL
                                                                        AND j.limits IS NULL)
      FROM json_each(:queues) q
    UNION ALL
    SELECT l.queue, (SELECT max(j.priority) FROM sqlqueue_jobs j
                      WHERE j.queue = l.queue AND j.seq IS NOT NULL AND j.limits IS NULL
                        AND j.priority < l.priority)
      FROM lane l WHERE l.priority IS NOT NULL
)
SELECT queue, priority FROM lane WHERE priority IS NOT NULL
""")

CLAIMED = """
          id, seq, queue, priority, task, args, kwargs, headers, options, parent_id, root_id, group_id, attempt,
          retries, crashes, max_crashes, acks_late, coalesce(expires_at < <now>, 0), claim_token,
          CASE WHEN coalesce(run_at, expires_at) IS NOT NULL
               THEN json_object('eta', run_at, 'expires', expires_at) END, NULL"""
"""What a claim returns of each job: a `Job`, column by column."""

CLAIM = statement(f"""
UPDATE sqlqueue_jobs
   SET state = 'running', attempt = attempt + 1, claim_token = claim_token + 1, worker = :worker, claimed_at = <now>
 WHERE rowid IN (SELECT rowid FROM sqlqueue_jobs
                  WHERE queue = :queue AND priority = :priority AND seq > :low AND seq < :high AND limits IS NULL
                    AND state = 'ready'
                    AND task NOT IN (SELECT value FROM json_each(:shunned))
                  ORDER BY seq LIMIT :at_most)
RETURNING {CLAIMED}
""")

FINISH = statement(f"""
{INTO_RESULTS}, runtime, result, error, exception, traceback)
SELECT {kept("j")}, CASE WHEN j.revoked AND json_extract(value, '$[2]') = 'failed' THEN 'revoked'
                         ELSE json_extract(value, '$[2]') END,
       <now>, json_extract(value, '$[5]'), json_extract(value, '$[4]'), json_extract(value, '$[3]'),
       CASE WHEN j.revoked AND json_extract(value, '$[2]') = 'failed' THEN 'revoked while it ran: ' ELSE '' END
       || json_extract(value, '$[6]'),
       json_extract(value, '$[7]'), json_extract(value, '$[8]')
  FROM json_each(:doc) x JOIN sqlqueue_jobs j ON j.id = json_extract(x.value, '$[0]')
 WHERE j.state = 'running' AND j.claim_token = json_extract(x.value, '$[1]') AND j.worker = :worker
    ON CONFLICT (id) DO NOTHING
RETURNING id
""")

# The second half of a settlement: what the results hold under the same claim is no longer a job.
DROP_FINISHED = Statement("""
DELETE FROM sqlqueue_jobs
 WHERE state = 'running' AND worker = :worker AND id IN (SELECT json_extract(value, '$[0]') FROM json_each(:doc))
   AND claim_token = (SELECT r.claim_token FROM sqlqueue_results r WHERE r.id = sqlqueue_jobs.id)
""")

RESCHEDULE = statement(f"""
UPDATE sqlqueue_jobs
   SET state = CASE WHEN x.delay > 0 THEN 'scheduled' ELSE 'ready' END,
       seq = CASE WHEN x.delay > 0 THEN NULL ELSE :base + x.n END,
       run_at = <in:x.delay>, worker = NULL, claimed_at = NULL, retries = x.retries, error = x.error,
       history = {with_attempt("x.runtime", "x.error", more=WHY)},
       args = coalesce(json_extract(x.change, '$.args'), args),
       kwargs = coalesce(json_extract(x.change, '$.kwargs'), kwargs),
       headers = coalesce(json_extract(x.change, '$.headers'), headers),
       options = coalesce(json_extract(x.change, '$.options'), options),
       queue = coalesce(json_extract(x.change, '$.queue'), queue),
       priority = coalesce(json_extract(x.change, '$.priority'), priority),
       expires_at = coalesce(json_extract(x.change, '$.expires_at'),
                             CASE WHEN json_extract(x.change, '$.expires') IS NOT NULL
                                  THEN <in:json_extract(x.change, '$.expires')> END, expires_at)
  FROM (SELECT key + 1 AS n, json_extract(value, '$.id') AS id, json_extract(value, '$.token') AS token,
               json_extract(value, '$.delay') AS delay,
               json_extract(value, '$.retries') AS retries, json_extract(value, '$.runtime') AS runtime,
               json_extract(value, '$.exception') AS exception, json_extract(value, '$.traceback') AS traceback,
               json_extract(value, '$.error') AS error, json_extract(value, '$.change') AS change
          FROM json_each(:doc)) AS x
 WHERE sqlqueue_jobs.id = x.id AND state = 'running' AND claim_token = x.token AND worker = :worker AND NOT revoked
RETURNING id, queue, priority, seq
""")

GIVE_BACK = statement(f"""
UPDATE sqlqueue_jobs
   SET state = CASE WHEN x.delay > 0 THEN 'scheduled' ELSE 'ready' END,
       seq = CASE WHEN x.delay > 0 THEN NULL WHEN seq > 0 THEN seq - 4611686018427387904 ELSE seq END,
       run_at = CASE WHEN x.delay > 0 THEN <in:x.delay> ELSE run_at END,
       worker = NULL, claimed_at = NULL, crashes = coalesce(x.crashes, sqlqueue_jobs.crashes),
       error = coalesce(x.error, sqlqueue_jobs.error),
       attempt = attempt - CASE WHEN x.started THEN 0 ELSE 1 END,
       limits = coalesce(x.limits, sqlqueue_jobs.limits),
       history = CASE WHEN x.started THEN {with_attempt("NULL", "x.error")} ELSE history END
  FROM (SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.token') AS token,
               json_extract(value, '$.delay') AS delay,
               json_extract(value, '$.crashes') AS crashes, json_extract(value, '$.started') AS started,
               json_extract(value, '$.error') AS error, json_extract(value, '$.limits') AS limits
          FROM json_each(:doc)) AS x
 WHERE sqlqueue_jobs.id = x.id AND state = 'running' AND claim_token = x.token AND worker = :worker AND NOT revoked
RETURNING id, queue, priority, seq
""")

PROMOTE = statement("""
UPDATE sqlqueue_jobs
   SET state = 'ready', seq = :base + due.n
  FROM (SELECT id, row_number() OVER (ORDER BY run_at) AS n FROM sqlqueue_jobs
         WHERE seq IS NULL AND state = 'scheduled' AND run_at <= <now> ORDER BY run_at LIMIT :at_most) AS due
 WHERE sqlqueue_jobs.id = due.id
RETURNING id, queue, priority, seq
""")

NEXT_DUE = Statement("""
SELECT (julianday(run_at) - julianday('now')) * 86400.0 FROM sqlqueue_jobs
 WHERE seq IS NULL AND run_at IS NOT NULL AND state = 'scheduled' ORDER BY run_at LIMIT 1
""")

"""PostgreSQL: the life of a job. SKIP LOCKED everywhere: no cycle ever waits for somebody's row lock."""

from __future__ import annotations

from sqlqueue.store.operation import Statement, by_index
from sqlqueue.store.sql.columns import INTO_RESULTS, MAX_HISTORY, kept


def with_attempt(runtime: str, error: str, ended_at: str = "clock_timestamp()", more: str = "") -> str:
    """Return the history of a job ``j`` with its present attempt, which failed, at the end: see docs/adr/0012.

    Parameters
    ----------
    more: what the latest attempt alone is remembered with, as names and values.
    """
    return f"""
       CAST(CASE WHEN json_array_length(coalesce(j.history, '[]')) < {MAX_HISTORY}
                 THEN CAST(coalesce(j.history, '[]') AS jsonb) ELSE CAST(j.history AS jsonb) - 0 END
            #- '{{-1,exception}}' #- '{{-1,traceback}}'
            || jsonb_build_object('attempt', j.attempt, 'worker', j.worker, 'claimed_at', j.claimed_at,
                                  'ended_at', {ended_at}, 'runtime', {runtime}, 'error', {error}{more}) AS json)"""


WHY = ", 'exception', h.exception, 'traceback', h.traceback"


# What a call says, read from a JSON document of several.
CALLS = """
       (SELECT x.*, run_at IS NULL OR run_at <= clock_timestamp() AS due
          FROM (SELECT id, queue, priority, task, args, kwargs, headers, options, parent_id, root_id, group_id,
                       unique_key, limits, acks_late, max_crashes, coalesce(blocked, false) AS blocked,
                       coalesce(run_at, clock_timestamp() + delay * interval '1 second') AS run_at,
                       coalesce(expires_at, clock_timestamp() + expires * interval '1 second') AS expires_at
                  FROM json_to_recordset(CAST(:jobs AS json)) AS j
                       (id text, queue text, priority smallint, task text, args json, kwargs json, headers json,
                        options json, parent_id text, root_id text, group_id text, unique_key text, limits text,
                        run_at timestamptz, delay double precision, expires_at timestamptz,
                        expires double precision, acks_late boolean, max_crashes smallint, blocked boolean)) AS x) AS y
"""

ENQUEUE = Statement(f"""
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, headers, options, parent_id, root_id,
                           group_id, unique_key, limits, run_at, expires_at, acks_late, max_crashes)
SELECT id, CASE WHEN due AND NOT blocked THEN nextval('sqlqueue_jobs_seq') END, queue, priority,
       CASE WHEN blocked THEN 'blocked' WHEN due THEN 'ready' ELSE 'scheduled' END, task, args, kwargs, headers,
       options, parent_id, root_id, group_id, unique_key, limits, run_at, expires_at, acks_late, max_crashes
  FROM {CALLS}
    ON CONFLICT DO NOTHING
RETURNING id, queue, priority, seq
""")

# Calls of one task, due now, with nothing unusual: what they share is said once.
ENQUEUE_ALIKE = Statement("""
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, acks_late, max_crashes, parent_id,
                           root_id, group_id)
SELECT id, nextval('sqlqueue_jobs_seq'), :queue, CAST(:priority AS smallint), 'ready', :task, CAST(args AS json),
       CAST(kwargs AS json), :acks_late, CAST(:max_crashes AS smallint), CAST(:parent_id AS text),
       CAST(:root_id AS text), CAST(:group_id AS text)
  FROM unnest(string_to_array(CAST(:ids AS text), chr(31)), string_to_array(CAST(:args AS text), chr(31)),
              string_to_array(CAST(:kwargs AS text), chr(31))) AS x(id, args, kwargs)
    ON CONFLICT (id) DO NOTHING
RETURNING id, queue, priority, seq
""")

ENQUEUE_ONE = Statement(
    """
INSERT INTO sqlqueue_jobs (id, seq, queue, priority, state, task, args, kwargs, acks_late, max_crashes)
VALUES (:id, nextval('sqlqueue_jobs_seq'), :queue, CAST(:priority AS smallint), 'ready', :task, CAST(:args AS json),
        CAST(:kwargs AS json), :acks_late, CAST(:max_crashes AS smallint))
    ON CONFLICT (id) DO NOTHING
RETURNING id, queue, priority, seq
""",
    bare=True,
)

# A second statement, because under READ COMMITTED it sees what was settled while the insert waited. The ids are handed
# on as arrays: joined to the results, of which nobody knows the statistics, they would be found by reading them all.
FORGET_DUPLICATES = by_index("""
DELETE FROM sqlqueue_jobs j
 WHERE j.id = ANY (ARRAY(
       SELECT r.id FROM sqlqueue_results r
        WHERE r.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))))
RETURNING j.id
""")

# A loose index scan: one probe for each lane, however many jobs it holds.
LANES = Statement("""
WITH RECURSIVE lane(queue, priority) AS (
    SELECT q.queue, (SELECT max(j.priority) FROM sqlqueue_jobs j
                      WHERE j.queue = q.queue AND j.seq IS NOT NULL AND j.limits IS NULL)
      FROM (SELECT json_array_elements_text(CAST(:queues AS json)) AS queue) q
    UNION ALL
    SELECT l.queue, (SELECT max(j.priority) FROM sqlqueue_jobs j
                      WHERE j.queue = l.queue AND j.seq IS NOT NULL AND j.limits IS NULL
                        AND j.priority < l.priority)
      FROM lane l WHERE l.priority IS NOT NULL
)
SELECT queue, priority FROM lane WHERE priority IS NOT NULL
""")

CLAIMED = """
          j.id, j.seq, j.queue, j.priority, j.task, CAST(j.args AS text), CAST(j.kwargs AS text),
          CAST(j.headers AS text), CAST(j.options AS text), j.parent_id, j.root_id, j.group_id, j.attempt, j.retries,
          j.crashes, j.max_crashes, j.acks_late, coalesce(j.expires_at < clock_timestamp(), false), j.claim_token,
          CASE WHEN coalesce(j.run_at, j.expires_at) IS NOT NULL
               THEN CAST(json_build_object('eta', j.run_at, 'expires', j.expires_at) AS text) END,
          CAST(NULL AS text)"""
"""What a claim returns of each job: a `Job`, column by column."""

# Each lane is read through the index in order and only as far as the outer LIMIT pulls; found rows are locked as
# they are pulled. The array of ctids is a fence: a plain sub-select may be run again and claim more than asked.
CLAIM = Statement(f"""
UPDATE sqlqueue_jobs AS j
   SET state = 'running', attempt = j.attempt + 1, claim_token = j.claim_token + 1,
       worker = CAST(:worker AS uuid), claimed_at = clock_timestamp()
 WHERE j.ctid = ANY (ARRAY(
       SELECT c.ctid
         FROM unnest(CAST(:queues AS text[]), CAST(:priorities AS integer[]), CAST(:lows AS bigint[]),
                     CAST(:highs AS bigint[]), CAST(:limits AS integer[]))
              AS lane(queue, priority, low, high, at_most)
        CROSS JOIN LATERAL (
              SELECT r.ctid FROM sqlqueue_jobs r
               WHERE r.queue = lane.queue AND r.priority = lane.priority
                 AND r.seq > lane.low AND r.seq < lane.high AND r.limits IS NULL AND r.state = 'ready'
                 AND r.task <> ALL (CAST(:shunned AS text[]))
               ORDER BY r.seq LIMIT lane.at_most FOR UPDATE SKIP LOCKED) AS c
        LIMIT :at_most))
RETURNING {CLAIMED}
""")

# On a connection whose commits are asynchronous: let this transaction's be as durable as the server says.
DURABLY = Statement("""
SELECT set_config('synchronous_commit', coalesce(nullif(current_setting('sqlqueue.durable', true), ''),
                                                 current_setting('synchronous_commit')), true)
""")

# Settlements find each row by its id, in a sub-select of its own that locks it. Joined, a table that looks empty when
# the plan is made, or was nearly empty when it was analysed, as it is most of the day, is read as a whole for each
# batch; and the plan is kept while the table fills.

# The second half of a settlement, after ``held`` has found and locked what is ours: the rows leave for the results.
_MOVE = f"""
, gone AS (
    DELETE FROM sqlqueue_jobs j USING held h WHERE j.ctid = h.ctid
    RETURNING {kept("j")}, h.state, h.crashes, h.runtime, h.result, h.error, h.exception, h.traceback
)
{INTO_RESULTS}, runtime, result, error, exception, traceback)
SELECT {kept()}, state, clock_timestamp(), crashes, runtime, CAST(result AS json), error, CAST(exception AS json),
       traceback
  FROM gone
RETURNING id
"""

# Successes, nearly all there is: columns as text joined by a separator that neither an id nor JSON can contain, which
# both sides write and read several times faster than arrays. A lone tilde, which is no JSON, stands for NULL.
SUCCEED = Statement(
    """
WITH held AS (
    SELECT r.ctid, 'succeeded' AS state, x.result, x.runtime, r.crashes, CAST(NULL AS text) AS error,
           CAST(NULL AS text) AS exception, CAST(NULL AS text) AS traceback
      FROM unnest(string_to_array(CAST(:ids AS text), chr(31)), CAST(:tokens AS bigint[]),
                  string_to_array(CAST(:results AS text), chr(31), '~'), CAST(:runtimes AS double precision[]))
           AS x(id, token, result, runtime)
     CROSS JOIN LATERAL (
           SELECT r.ctid, r.crashes FROM sqlqueue_jobs r
            WHERE r.id = x.id
              AND r.state = 'running' AND r.claim_token = x.token AND r.worker = CAST(:worker AS uuid)
              FOR UPDATE SKIP LOCKED) AS r
)"""
    + _MOVE
)

FINISH = Statement(
    """
WITH held AS (
    SELECT r.ctid, CASE WHEN r.revoked AND x.state = 'failed' THEN 'revoked' ELSE x.state END AS state, x.result,
           x.runtime, x.crashes,
           CASE WHEN r.revoked AND x.state = 'failed' THEN 'revoked while it ran: ' ELSE '' END || x.error AS error,
           x.exception, x.traceback
      FROM unnest(CAST(:ids AS text[]), CAST(:tokens AS bigint[]), CAST(:states AS text[]),
                  CAST(:results AS text[]), CAST(:runtimes AS double precision[]), CAST(:crashes AS integer[]),
                  CAST(:errors AS text[]), CAST(:exceptions AS text[]), CAST(:tracebacks AS text[]))
           AS x(id, token, state, result, runtime, crashes, error, exception, traceback)
     CROSS JOIN LATERAL (
           SELECT r.ctid, r.revoked FROM sqlqueue_jobs r
            WHERE r.id = x.id
              AND r.state = 'running' AND r.claim_token = x.token AND r.worker = CAST(:worker AS uuid)
              FOR UPDATE SKIP LOCKED) AS r
)"""
    + _MOVE
)

RESCHEDULE = Statement(f"""
UPDATE sqlqueue_jobs j
   SET state = CASE WHEN h.delay > 0 THEN 'scheduled' ELSE 'ready' END,
       seq = CASE WHEN h.delay > 0 THEN NULL ELSE nextval('sqlqueue_jobs_seq') END,
       run_at = clock_timestamp() + h.delay * interval '1 second',
       worker = NULL, claimed_at = NULL, retries = h.retries, error = h.error,
       history = {with_attempt("h.runtime", "h.error", more=WHY)},
       args = coalesce(h.change -> 'args', j.args), kwargs = coalesce(h.change -> 'kwargs', j.kwargs),
       headers = coalesce(h.change -> 'headers', j.headers), options = coalesce(h.change -> 'options', j.options),
       queue = coalesce(h.change ->> 'queue', j.queue),
       priority = coalesce(CAST(h.change ->> 'priority' AS smallint), j.priority),
       expires_at = coalesce(CAST(h.change ->> 'expires_at' AS timestamptz), clock_timestamp()
                    + CAST(h.change ->> 'expires' AS double precision) * interval '1 second', j.expires_at)
  FROM (SELECT r.id, x.delay, x.retries, x.error, x.exception, x.traceback, x.runtime,
               CAST(x.change AS json) AS change
          FROM json_to_recordset(CAST(:doc AS json))
               AS x(id text, token bigint, delay double precision, retries integer, error text,
                    exception text, traceback text, runtime double precision, change text)
         CROSS JOIN LATERAL (
               SELECT r.id FROM sqlqueue_jobs r
                WHERE r.id = x.id
                  AND r.state = 'running' AND r.claim_token = x.token AND r.worker = CAST(:worker AS uuid)
                  AND NOT r.revoked
                  FOR UPDATE SKIP LOCKED) AS r) AS h
 WHERE j.id = h.id
RETURNING j.id, j.queue, j.priority, j.seq
""")

# 4611686018427387904 is 2^62: the front lane lies below zero and keeps the order of what it holds.
GIVE_BACK = Statement(f"""
UPDATE sqlqueue_jobs j
   SET state = CASE WHEN h.delay > 0 THEN 'scheduled' ELSE 'ready' END,
       seq = CASE WHEN h.delay > 0 THEN NULL WHEN j.seq > 0 THEN j.seq - 4611686018427387904 ELSE j.seq END,
       run_at = CASE WHEN h.delay > 0 THEN clock_timestamp() + h.delay * interval '1 second' ELSE j.run_at END,
       worker = NULL, claimed_at = NULL, crashes = coalesce(h.crashes, j.crashes),
       error = coalesce(h.error, j.error),
       attempt = j.attempt - CASE WHEN h.started THEN 0 ELSE 1 END, limits = coalesce(h.limits, j.limits),
       history = CASE WHEN h.started THEN {with_attempt("NULL", "h.error")} ELSE j.history END
  FROM (SELECT r.id, x.delay, x.crashes, x.started, x.error, x.limits
          FROM json_to_recordset(CAST(:doc AS json))
               AS x(id text, token bigint, delay double precision, crashes integer, started boolean, error text,
                    limits text)
         CROSS JOIN LATERAL (
               SELECT r.id FROM sqlqueue_jobs r
                WHERE r.id = x.id
                  AND r.state = 'running' AND r.claim_token = x.token AND r.worker = CAST(:worker AS uuid)
                  AND NOT r.revoked
                  FOR UPDATE SKIP LOCKED) AS r) AS h
 WHERE j.id = h.id
RETURNING j.id, j.queue, j.priority, j.seq
""")

# Numbered before they are written: an UPDATE visits its rows in any order, and those due first are to go first. The
# clock's own function changes while the statement runs, so that no index could be asked where the due ones end.
PROMOTE = Statement("""
WITH due AS MATERIALIZED (
    SELECT r.id FROM sqlqueue_jobs r
     WHERE r.seq IS NULL AND r.state = 'scheduled' AND r.run_at <= statement_timestamp()
     ORDER BY r.run_at LIMIT :at_most FOR UPDATE SKIP LOCKED
), placed AS MATERIALIZED (
    SELECT id, nextval('sqlqueue_jobs_seq') AS seq FROM due
)
UPDATE sqlqueue_jobs j
   SET state = 'ready', seq = p.seq
  FROM placed p WHERE j.id = p.id
RETURNING j.id, j.queue, j.priority, j.seq
""")

NEXT_DUE = Statement("""
SELECT CAST(extract(epoch FROM run_at - clock_timestamp()) AS double precision) FROM sqlqueue_jobs
 WHERE seq IS NULL AND run_at IS NOT NULL AND state = 'scheduled' ORDER BY run_at LIMIT 1
""")

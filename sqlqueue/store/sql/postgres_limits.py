"""PostgreSQL: limits of the whole fleet, and the slots that are granted under them.

A slot is a note of a claim and says where to look: it is in use as long as its job runs under that claim. So whatever
ends a claim frees its slot, in the same transaction, and knows nothing of it.
"""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.postgres_jobs import CLAIMED

# Lanes of limited jobs, in the order of their names, one probe each; each queue's from behind a given one.
LIMITED_LANES = Statement("""
WITH RECURSIVE lane(queue, limits) AS (
    SELECT q.queue, (SELECT min(j.limits) FROM sqlqueue_jobs j
                      WHERE j.queue = q.queue AND j.limits > q.after AND j.seq IS NOT NULL AND j.limits IS NOT NULL)
      FROM json_to_recordset(CAST(:queues AS json)) AS q(queue text, after text)
    UNION ALL
    SELECT l.queue, (SELECT min(j.limits) FROM sqlqueue_jobs j
                      WHERE j.queue = l.queue AND j.limits > l.limits AND j.seq IS NOT NULL AND j.limits IS NOT NULL)
      FROM lane l WHERE l.limits IS NOT NULL
)
SELECT queue, limits FROM lane WHERE limits IS NOT NULL LIMIT :at_most
""")

ENSURE_LIMITS = Statement("""
INSERT INTO sqlqueue_limits (name) SELECT json_array_elements_text(CAST(:names AS json)) ON CONFLICT DO NOTHING
""")

# Whoever holds these rows' locks grants; who does not have them all looks again soon.
LOCK_LIMITS = Statement("""
SELECT name FROM sqlqueue_limits
 WHERE name = ANY (ARRAY(SELECT json_array_elements_text(CAST(:names AS json))))
 ORDER BY name FOR NO KEY UPDATE SKIP LOCKED
""")

# A statement of its own, which sees what was committed before the locks were had.
LIMIT_USES = Statement("""
WITH asked AS (
    SELECT x.name, l.running, l.starts, l.set_at IS NOT NULL AS is_set,
           CASE WHEN l.set_at IS NOT NULL THEN l.seconds ELSE x.seconds END AS seconds
      FROM json_to_recordset(CAST(:asked AS json)) AS x(name text, seconds double precision)
      LEFT JOIN LATERAL (SELECT * FROM sqlqueue_limits f WHERE f.name = x.name) AS l ON true
)
SELECT a.name, a.is_set, a.running, a.starts, a.seconds, count(*) FILTER (WHERE s.live),
       count(*) FILTER (WHERE s.left_for > 0), CAST(min(s.left_for) FILTER (WHERE s.left_for > 0) AS double precision),
       count(*) FILTER (WHERE NOT s.live AND s.until <= clock_timestamp())
  FROM asked a
  LEFT JOIN LATERAL (
       SELECT o.until, extract(epoch FROM o.granted_at - clock_timestamp()) + a.seconds AS left_for,
              EXISTS (SELECT 1 FROM sqlqueue_jobs j
                       WHERE j.id = o.job_id AND j.claim_token = o.token AND j.state = 'running') AS live
         FROM sqlqueue_slots o WHERE o.name = a.name) AS s ON true
 GROUP BY a.name, a.is_set, a.running, a.starts, a.seconds
""")

SWEEP_SLOTS = Statement("""
DELETE FROM sqlqueue_slots o
 WHERE o.name = ANY (ARRAY(SELECT json_array_elements_text(CAST(:names AS json)))) AND o.until <= clock_timestamp()
   AND NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j
                    WHERE j.id = o.job_id AND j.claim_token = o.token AND j.state = 'running')
""")

_LANES = """
  FROM json_to_recordset(CAST(:lanes AS json))
       AS lane(n integer, queue text, limits text, priority integer, at_most integer)
 CROSS JOIN LATERAL (
"""

LIMITED_HEADS = Statement(f"""
SELECT lane.n, c.id, c.claim_token{_LANES}
       SELECT r.id, r.claim_token FROM sqlqueue_jobs r
        WHERE r.queue = lane.queue AND r.limits = lane.limits AND r.seq IS NOT NULL AND r.limits IS NOT NULL
          AND r.state = 'ready' AND r.task <> ALL (ARRAY(SELECT json_array_elements_text(CAST(:shunned AS json))))
        ORDER BY r.priority DESC, r.seq LIMIT lane.at_most FOR UPDATE SKIP LOCKED) AS c
 WHERE lane.limits IS NOT NULL
""")

# Of queues that are limited as a whole.
PLAIN_HEADS = Statement(f"""
SELECT lane.n, c.id, c.claim_token{_LANES}
       SELECT r.id, r.claim_token FROM sqlqueue_jobs r
        WHERE r.queue = lane.queue AND r.priority = lane.priority AND r.seq IS NOT NULL AND r.limits IS NULL
          AND r.state = 'ready' AND r.task <> ALL (ARRAY(SELECT json_array_elements_text(CAST(:shunned AS json))))
        ORDER BY r.seq LIMIT lane.at_most FOR UPDATE SKIP LOCKED) AS c
 WHERE lane.limits IS NULL
""")

CLAIM_HEADS = Statement(f"""
UPDATE sqlqueue_jobs AS j
   SET state = 'running', attempt = j.attempt + 1, claim_token = j.claim_token + 1,
       worker = CAST(:worker AS uuid), claimed_at = clock_timestamp()
 WHERE j.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) AND j.state = 'ready'
RETURNING {CLAIMED}
""")

OCCUPY = Statement("""
INSERT INTO sqlqueue_slots (name, job_id, token, granted_at, until)
SELECT x.name, x.id, x.token, clock_timestamp(), clock_timestamp() + x.seconds * interval '1 second'
  FROM json_to_recordset(CAST(:slots AS json)) AS x(name text, id text, token bigint, seconds double precision)
""")

SET_LIMIT = Statement("""
INSERT INTO sqlqueue_limits (name, running, starts, seconds, set_at)
VALUES (:name, :running, :starts, :seconds, clock_timestamp())
    ON CONFLICT (name) DO UPDATE
       SET running = excluded.running, starts = excluded.starts, seconds = excluded.seconds, set_at = excluded.set_at
""")

CLEAR_LIMIT = Statement("""
UPDATE sqlqueue_limits SET running = NULL, starts = NULL, seconds = 0, set_at = NULL
 WHERE name = :name AND set_at IS NOT NULL
RETURNING name
""")

# Those that somebody has set or that are in use; with a name, that one.
ALL_LIMITS = Statement("""
SELECT l.name, l.set_at IS NOT NULL, l.running, l.starts, l.seconds, u.running, u.recent
  FROM sqlqueue_limits l
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE EXISTS (
                  SELECT 1 FROM sqlqueue_jobs j
                   WHERE j.id = s.job_id AND j.claim_token = s.token AND j.state = 'running')) AS running,
              count(*) FILTER (WHERE s.until > clock_timestamp()) AS recent
         FROM sqlqueue_slots s WHERE s.name = l.name) AS u
 WHERE l.set_at IS NOT NULL OR u.running > 0 OR u.recent > 0
 ORDER BY l.name
""")

FORGET_LIMITS = Statement("""
DELETE FROM sqlqueue_limits l
 WHERE l.name = ANY (ARRAY(SELECT f.name FROM sqlqueue_limits f
                            WHERE f.set_at IS NULL
                              AND NOT EXISTS (SELECT 1 FROM sqlqueue_slots s WHERE s.name = f.name)
                            LIMIT 1000 FOR UPDATE SKIP LOCKED))
""")

FORGET_SLOTS = Statement("""
DELETE FROM sqlqueue_slots
 WHERE ctid = ANY (ARRAY(
       SELECT s.ctid FROM sqlqueue_slots s
        WHERE s.until <= clock_timestamp()
          AND NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j
                           WHERE j.id = s.job_id AND j.claim_token = s.token AND j.state = 'running')
        LIMIT 1000 FOR UPDATE SKIP LOCKED))
""")

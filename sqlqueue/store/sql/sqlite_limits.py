"""SQLite: limits of the whole fleet, and the slots that are granted under them. The write lock is the only lock."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.sqlite_jobs import CLAIMED
from sqlqueue.store.sql.sqlite_moments import statement

_LIVE = """EXISTS (SELECT 1 FROM sqlqueue_jobs j
                       WHERE j.id = s.job_id AND j.claim_token = s.token AND j.state = 'running')"""

_ASKED = """
SELECT json_extract(x.value, '$.name') AS name, l.running, l.starts, l.set_at IS NOT NULL AS is_set,
       CASE WHEN l.set_at IS NOT NULL THEN l.seconds ELSE json_extract(x.value, '$.seconds') END AS seconds
  FROM json_each(:asked) x LEFT JOIN sqlqueue_limits l ON l.name = json_extract(x.value, '$.name')
"""

LIMITED_LANES = Statement("""
WITH RECURSIVE lane(queue, limits) AS (
    SELECT json_extract(q.value, '$.queue'),
           (SELECT min(j.limits) FROM sqlqueue_jobs j
             WHERE j.queue = json_extract(q.value, '$.queue') AND j.limits > json_extract(q.value, '$.after')
               AND j.seq IS NOT NULL AND j.limits IS NOT NULL)
      FROM json_each(:queues) q
    UNION ALL
    SELECT l.queue, (SELECT min(j.limits) FROM sqlqueue_jobs j
                      WHERE j.queue = l.queue AND j.limits > l.limits AND j.seq IS NOT NULL AND j.limits IS NOT NULL)
      FROM lane l WHERE l.limits IS NOT NULL
)
SELECT queue, limits FROM lane WHERE limits IS NOT NULL LIMIT :at_most
""")

LOCK_LIMITS = Statement("SELECT value FROM json_each(:names)")

LIMIT_USES = statement(f"""
SELECT a.name, a.is_set, a.running, a.starts, a.seconds, coalesce(sum(s.live), 0), coalesce(sum(s.left_for > 0), 0),
       min(CASE WHEN s.left_for > 0 THEN s.left_for END), coalesce(sum(NOT s.live AND s.until <= <now>), 0)
  FROM ({_ASKED}) a
  LEFT JOIN (SELECT q.name AS asked, s.until,
                    (julianday(s.granted_at) - julianday('now')) * 86400.0 + q.seconds AS left_for, {_LIVE} AS live
               FROM ({_ASKED}) q JOIN sqlqueue_slots s ON s.name = q.name) s ON s.asked = a.name
 GROUP BY a.name
""")

SWEEP_SLOTS = statement(f"""
DELETE FROM sqlqueue_slots AS s
 WHERE s.name IN (SELECT value FROM json_each(:names)) AND s.until <= <now> AND NOT {_LIVE}
""")

# A lane at a time: no LIMIT of a joined query may depend on the row before it.
LIMITED_HEADS = Statement("""
SELECT :n, id, claim_token FROM sqlqueue_jobs
 WHERE queue = :queue AND limits = :limits AND seq IS NOT NULL AND limits IS NOT NULL AND state = 'ready'
   AND task NOT IN (SELECT value FROM json_each(:shunned))
 ORDER BY priority DESC, seq LIMIT :at_most
""")

PLAIN_HEADS = Statement("""
SELECT :n, id, claim_token FROM sqlqueue_jobs
 WHERE queue = :queue AND priority = :priority AND seq IS NOT NULL AND limits IS NULL AND state = 'ready'
   AND task NOT IN (SELECT value FROM json_each(:shunned))
 ORDER BY seq LIMIT :at_most
""")

CLAIM_HEADS = statement(f"""
UPDATE sqlqueue_jobs
   SET state = 'running', attempt = attempt + 1, claim_token = claim_token + 1, worker = :worker, claimed_at = <now>
 WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'ready'
RETURNING {CLAIMED}
""")

OCCUPY = statement("""
INSERT INTO sqlqueue_slots (name, job_id, token, granted_at, until)
SELECT json_extract(value, '$.name'), json_extract(value, '$.id'), json_extract(value, '$.token'), <now>,
       <in:json_extract(value, '$.seconds')>
  FROM json_each(:slots)
""")

SET_LIMIT = statement("""
INSERT INTO sqlqueue_limits (name, running, starts, seconds, set_at) VALUES (:name, :running, :starts, :seconds, <now>)
    ON CONFLICT (name) DO UPDATE
       SET running = excluded.running, starts = excluded.starts, seconds = excluded.seconds, set_at = excluded.set_at
""")

CLEAR_LIMIT = Statement("DELETE FROM sqlqueue_limits WHERE name = :name AND set_at IS NOT NULL RETURNING name")

ALL_LIMITS = statement(f"""
SELECT * FROM (
    SELECT n.name, l.set_at IS NOT NULL AS is_set, l.running, l.starts, coalesce(l.seconds, 0),
           (SELECT count(*) FROM sqlqueue_slots s WHERE s.name = n.name AND {_LIVE}) AS used,
           (SELECT count(*) FROM sqlqueue_slots s WHERE s.name = n.name AND s.until > <now>) AS recent
      FROM (SELECT name FROM sqlqueue_limits UNION SELECT name FROM sqlqueue_slots) n
      LEFT JOIN sqlqueue_limits l ON l.name = n.name)
 WHERE is_set OR used > 0 OR recent > 0
 ORDER BY name
""")

FORGET_SLOTS = statement(f"""
DELETE FROM sqlqueue_slots
 WHERE rowid IN (SELECT s.rowid FROM sqlqueue_slots s WHERE s.until <= <now> AND NOT {_LIVE} LIMIT 1000)
""")

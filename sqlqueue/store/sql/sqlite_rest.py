"""SQLite: workers, results, the schema."""

from __future__ import annotations

from sqlqueue.domain.outcome import LONGEST_PAUSE
from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.columns import INTO_RESULTS, kept
from sqlqueue.store.sql.sqlite_jobs import with_attempt
from sqlqueue.store.sql.sqlite_moments import statement

HAS_TABLES = Statement("SELECT count(*) FROM sqlite_master WHERE name = 'sqlqueue_jobs'")

RESCUE_LOST = statement(f"""
{INTO_RESULTS}, error, exception)
SELECT {kept()}, 'failed', <now>, crashes + 1, 'WorkerLost: ' || :reason,
       json_object('module', 'sqlqueue.errors', 'name', 'WorkerLost', 'args', json_array(:reason))
  FROM sqlqueue_jobs
 WHERE seq IS NOT NULL AND state = 'running' AND worker = :worker
   AND (NOT acks_late OR (seq < 0 AND crashes + 1 >= max_crashes))
RETURNING id
""")

RESCUE_BACK = statement(f"""
UPDATE sqlqueue_jobs
   SET state = 'ready', worker = NULL, claimed_at = NULL,
       history = CASE WHEN seq < 0 THEN {with_attempt("NULL", "'WorkerLost: ' || :reason")} ELSE history END,
       crashes = CASE WHEN seq < 0 THEN crashes + 1 ELSE crashes END,
       attempt = CASE WHEN seq < 0 THEN attempt ELSE attempt - 1 END,
       seq = CASE WHEN seq > 0 THEN seq - 4611686018427387904 ELSE seq END
 WHERE seq IS NOT NULL AND state = 'running' AND worker = :worker AND NOT revoked
RETURNING id, queue, priority, seq
""")

STRAYS = Statement("""
SELECT DISTINCT worker FROM sqlqueue_jobs j
 WHERE state = 'running' AND NOT EXISTS (
       SELECT 1 FROM sqlqueue_workers w WHERE w.incarnation = j.worker AND w.stopped_at IS NULL)
""")

KNOWN_ELSEWHERE = Statement("""
SELECT DISTINCT known.value FROM sqlqueue_workers w, json_each(w.tasks) AS known
 WHERE w.stopped_at IS NULL AND known.value IN (SELECT value FROM json_each(:tasks))
""")

# Jobs that were sent back because a worker did not know their task, once no worker has known it for long enough.
FAIL_UNKNOWN = statement(f"""
{INTO_RESULTS}, error, exception)
SELECT {kept()}, 'failed', <now>, crashes, error,
       json_object('module', 'sqlqueue.errors', 'name', 'NotRegistered', 'args', json_array(error))
  FROM sqlqueue_jobs r
 WHERE r.seq IS NULL AND r.state = 'scheduled' AND r.error LIKE 'NotRegistered:%'
   AND r.run_at < <in:{LONGEST_PAUSE}> AND r.created_at < <in:-:seconds>
   AND NOT EXISTS (SELECT 1 FROM sqlqueue_workers w, json_each(w.tasks) AS known
                    WHERE known.value = r.task AND (w.stopped_at IS NULL OR w.stopped_at > <in:-:seconds>))
 LIMIT 1000
RETURNING id
""")

DROP_UNKNOWN = Statement("""
DELETE FROM sqlqueue_jobs WHERE state = 'scheduled' AND id IN (SELECT value FROM json_each(:ids))
""")

REGISTER = Statement("""
INSERT INTO sqlqueue_workers (incarnation, name, host, pid, home, pool, concurrency, queues, tasks, version)
VALUES (:incarnation, :name, :host, :pid, :home, :pool, :concurrency, :queues, :tasks, :version)
""")

BEAT = statement("""
UPDATE sqlqueue_workers SET beat_at = <now> WHERE incarnation = :incarnation AND stopped_at IS NULL RETURNING 1
""")

OBSERVE = Statement("""
SELECT incarnation, name, home, pid, julianday(beat_at) * 86400.0, julianday('now') * 86400.0, queues
  FROM sqlqueue_workers WHERE stopped_at IS NULL
""")

SIGN_OFF = statement("""
UPDATE sqlqueue_workers SET stopped_at = <now>
 WHERE incarnation = :incarnation AND stopped_at IS NULL
RETURNING name
""")

TAKE_LEASE = statement("""
INSERT INTO sqlqueue_leases (name, holder, expires_at) VALUES (:name, :holder, <in::seconds>)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
 WHERE holder = excluded.holder OR expires_at < <now>
RETURNING 1
""")

RESULTS = Statement("""
SELECT id, state, result, error, exception, traceback, retries, runtime, finished_at, task, queue
  FROM sqlqueue_results WHERE id IN (SELECT value FROM json_each(:ids))
""")

UNFINISHED = Statement("""
SELECT j.id, j.state, j.retries, j.error, j.task, j.queue, t.state, t.meta,
       CASE WHEN j.retries > 0 AND j.state IN ('ready', 'scheduled') THEN json_extract(j.history, '$[#-1]') END
  FROM sqlqueue_jobs j LEFT JOIN sqlqueue_told t ON t.id = j.id AND t.token = j.claim_token AND j.state = 'running'
 WHERE j.id IN (SELECT value FROM json_each(:ids))
""")

HELD_IDS = Statement("""
SELECT id, claim_token FROM sqlqueue_jobs WHERE seq IS NOT NULL AND state = 'running' AND worker = :worker
""")

HELD_WITHIN = Statement("""
SELECT j.id, j.claim_token
  FROM json_each(:lanes) AS lane CROSS JOIN sqlqueue_jobs j
 WHERE j.queue = json_extract(lane.value, '$[0]') AND j.priority = json_extract(lane.value, '$[1]')
   AND j.seq <= json_extract(lane.value, '$[2]') AND j.seq IS NOT NULL AND j.limits IS NULL
   AND j.state = 'running' AND j.worker = :worker
UNION ALL
SELECT id, claim_token FROM sqlqueue_jobs
 WHERE seq IS NOT NULL AND limits IS NOT NULL AND state = 'running' AND worker = :worker
""")

HELD_AMONG = Statement("""
SELECT id, claim_token FROM sqlqueue_jobs
 WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'running' AND worker = :worker
""")

PRUNE = statement("""
DELETE FROM sqlqueue_results
 WHERE rowid IN (SELECT rowid FROM sqlqueue_results WHERE finished_at < <in:-:seconds> LIMIT 1000)
""")

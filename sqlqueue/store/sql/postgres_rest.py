"""PostgreSQL: workers, results, the schema, waking."""

from __future__ import annotations

from sqlqueue.domain.outcome import LONGEST_PAUSE
from sqlqueue.store.operation import Statement, by_index
from sqlqueue.store.sql.columns import INTO_RESULTS, kept
from sqlqueue.store.sql.postgres_jobs import with_attempt

HAS_TABLES = Statement("SELECT to_regclass('sqlqueue_jobs') IS NOT NULL")


def held(which: str) -> str:
    """Return the array of the worker's running jobs, locked: of each lane index those that are ``which``."""
    return " || ".join(
        f"""ARRAY(
           SELECT r.id FROM sqlqueue_jobs r
            WHERE r.seq IS NOT NULL AND r.limits {limited} AND r.state = 'running'
              AND r.worker = CAST(:worker AS uuid) AND {which}
              FOR UPDATE SKIP LOCKED)"""
        for limited in ("IS NULL", "IS NOT NULL")
    )


RESCUE_LOST = Statement(f"""
WITH gone AS (
    DELETE FROM sqlqueue_jobs j
     WHERE j.id = ANY ({held("(NOT r.acks_late OR (r.seq < 0 AND r.crashes + 1 >= r.max_crashes))")})
    RETURNING *
)
{INTO_RESULTS}, error, exception)
SELECT {kept()}, 'failed', clock_timestamp(), crashes + 1, 'WorkerLost: ' || CAST(:reason AS text),
       json_build_object('module', 'sqlqueue.errors', 'name', 'WorkerLost',
                         'args', json_build_array(CAST(:reason AS text)))
  FROM gone
RETURNING id
""")

# Only in the front lane, where jobs are claimed one for each free slot, is a death charged to the job.
RESCUE_BACK = Statement(f"""
UPDATE sqlqueue_jobs j
   SET state = 'ready', worker = NULL, claimed_at = NULL,
       history = CASE WHEN j.seq < 0 THEN {with_attempt("NULL", "'WorkerLost: ' || CAST(:reason AS text)")}
                      ELSE j.history END,
       crashes = CASE WHEN j.seq < 0 THEN j.crashes + 1 ELSE j.crashes END,
       attempt = CASE WHEN j.seq < 0 THEN j.attempt ELSE j.attempt - 1 END,
       seq = CASE WHEN j.seq > 0 THEN j.seq - 4611686018427387904 ELSE j.seq END
 WHERE j.id = ANY ({held("NOT r.revoked")})
RETURNING j.id, j.queue, j.priority, j.seq
""")

# For statements that no index serves, on connections whose plans are pinned to indexes.
READ_ALL = Statement("SELECT set_config('enable_seqscan', 'on', true)")

STRAYS = Statement("""
SELECT DISTINCT CAST(j.worker AS text) FROM sqlqueue_jobs j
 WHERE j.state = 'running' AND NOT EXISTS (
       SELECT 1 FROM sqlqueue_workers w WHERE w.incarnation = j.worker AND w.stopped_at IS NULL)
""")

KNOWN_ELSEWHERE = Statement("""
SELECT DISTINCT known.task
  FROM sqlqueue_workers w CROSS JOIN LATERAL json_array_elements_text(w.tasks) AS known(task)
 WHERE w.stopped_at IS NULL AND known.task IN (SELECT json_array_elements_text(CAST(:tasks AS json)))
""")

# Jobs that were sent back because a worker did not know their task, once no worker has known it for long enough.
FAIL_UNKNOWN = Statement(f"""
WITH gone AS (
    DELETE FROM sqlqueue_jobs j
     WHERE j.id = ANY (ARRAY(
           SELECT r.id FROM sqlqueue_jobs r
            WHERE r.seq IS NULL AND r.state = 'scheduled' AND r.error LIKE 'NotRegistered:%'
              AND r.run_at < statement_timestamp() + {LONGEST_PAUSE} * interval '1 second'
              AND r.created_at < clock_timestamp() - CAST(:seconds AS double precision) * interval '1 second'
              AND NOT EXISTS (
                  SELECT 1 FROM sqlqueue_workers w, json_array_elements_text(w.tasks) AS known
                   WHERE known = r.task AND (w.stopped_at IS NULL OR w.stopped_at > clock_timestamp()
                         - CAST(:seconds AS double precision) * interval '1 second'))
            LIMIT 1000 FOR UPDATE SKIP LOCKED))
    RETURNING *
)
{INTO_RESULTS}, error, exception)
SELECT {kept()}, 'failed', clock_timestamp(), crashes, error,
       json_build_object('module', 'sqlqueue.errors', 'name', 'NotRegistered', 'args', json_build_array(error))
  FROM gone
RETURNING id
""")

REGISTER = Statement("""
INSERT INTO sqlqueue_workers (incarnation, name, host, pid, home, pool, concurrency, queues, tasks, version)
VALUES (CAST(:incarnation AS uuid), :name, :host, :pid, :home, :pool, :concurrency, CAST(:queues AS json),
        CAST(:tasks AS json), :version)
""")

BEAT = Statement("""
UPDATE sqlqueue_workers SET beat_at = clock_timestamp()
 WHERE incarnation = CAST(:incarnation AS uuid) AND stopped_at IS NULL
RETURNING 1
""")

OBSERVE = Statement("""
SELECT CAST(incarnation AS text), name, home, pid, CAST(extract(epoch FROM beat_at) AS double precision),
       CAST(extract(epoch FROM clock_timestamp()) AS double precision), CAST(queues AS text)
  FROM sqlqueue_workers WHERE stopped_at IS NULL
""")

SIGN_OFF = Statement("""
UPDATE sqlqueue_workers SET stopped_at = clock_timestamp()
 WHERE incarnation = CAST(:incarnation AS uuid) AND stopped_at IS NULL
RETURNING name
""")

# Who sees that somebody else holds it does not touch the row: all would queue for its lock at every look.
_TAKEN = """
INSERT INTO sqlqueue_leases AS l (name, holder, expires_at)
SELECT CAST(:name AS text), CAST(:holder AS uuid),
       clock_timestamp() + CAST(:seconds AS double precision) * interval '1 second'
 WHERE NOT EXISTS (SELECT 1 FROM sqlqueue_leases o WHERE o.name = CAST(:name AS text)
                      AND o.holder <> CAST(:holder AS uuid) AND o.expires_at >= clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
 WHERE l.holder = excluded.holder OR l.expires_at < clock_timestamp()
RETURNING 1
"""

TAKE_LEASE = Statement(_TAKEN)

# All that a worker does every two seconds, in one statement: an idle one is to cost next to nothing.
WATCH = Statement(f"""
WITH lives AS (
    UPDATE sqlqueue_workers SET beat_at = clock_timestamp()
     WHERE incarnation = CAST(:holder AS uuid) AND stopped_at IS NULL
), leads AS ({_TAKEN})
SELECT CAST(incarnation AS text), name, home, pid, CAST(extract(epoch FROM beat_at) AS double precision),
       CAST(extract(epoch FROM clock_timestamp()) AS double precision), CAST(queues AS text),
       EXISTS (SELECT 1 FROM leads)
  FROM sqlqueue_workers WHERE stopped_at IS NULL
""")

RESULTS = by_index("""
SELECT id, state, CAST(result AS text), error, CAST(exception AS text), traceback, retries, runtime, finished_at,
       task, queue
  FROM sqlqueue_results WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
""")

UNFINISHED = by_index("""
SELECT j.id, j.state, j.retries, j.error, j.task, j.queue, t.state, CAST(t.meta AS text),
       CASE WHEN j.retries > 0 AND j.state IN ('ready', 'scheduled') THEN CAST(j.history -> -1 AS text) END
  FROM sqlqueue_jobs j LEFT JOIN sqlqueue_told t ON t.id = j.id AND t.token = j.claim_token AND j.state = 'running'
 WHERE j.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
""")

HELD_IDS = Statement("""
SELECT id, claim_token FROM sqlqueue_jobs
 WHERE seq IS NOT NULL AND limits IS NULL AND state = 'running' AND worker = CAST(:worker AS uuid)
UNION ALL
SELECT id, claim_token FROM sqlqueue_jobs
 WHERE seq IS NOT NULL AND limits IS NOT NULL AND state = 'running' AND worker = CAST(:worker AS uuid)
""")

# OFFSET 0 is a fence: without it the lanes may be joined to an index that is read as a whole.
HELD_WITHIN = Statement("""
SELECT h.id, h.claim_token
  FROM json_array_elements(CAST(:lanes AS json)) AS lane
 CROSS JOIN LATERAL (
       SELECT j.id, j.claim_token FROM sqlqueue_jobs j
        WHERE j.queue = lane ->> 0 AND j.priority = CAST(lane ->> 1 AS integer)
          AND j.seq <= CAST(lane ->> 2 AS bigint) AND j.limits IS NULL
          AND j.state = 'running' AND j.worker = CAST(:worker AS uuid) OFFSET 0) AS h
UNION ALL
SELECT id, claim_token FROM sqlqueue_jobs
 WHERE seq IS NOT NULL AND limits IS NOT NULL AND state = 'running' AND worker = CAST(:worker AS uuid)
""")

HELD_AMONG = Statement("""
SELECT id, claim_token FROM sqlqueue_jobs
 WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
   AND state = 'running' AND worker = CAST(:worker AS uuid)
""")

PRUNE = Statement("SELECT sqlqueue_keep_partitions(14, CAST(:seconds AS double precision) * interval '1 second')")

# Where the job stands that this session inserted last.
TELL = Statement(
    "SELECT pg_notify(CAST(:channel AS text), CAST(:priority AS text) || ':' || currval('sqlqueue_jobs_seq'))",
    bare=True,
)

WAKE = Statement(
    "SELECT pg_notify(channel, payload)"
    " FROM unnest(CAST(:channels AS text[]), CAST(:payloads AS text[])) AS n(channel, payload)"
)

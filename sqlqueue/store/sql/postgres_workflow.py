"""PostgreSQL: workflows. Edges, and what happens to blocked jobs when the jobs that they wait for end."""

from __future__ import annotations

from sqlqueue.store.operation import Statement, by_index
from sqlqueue.store.sql.columns import INTO_RESULTS, kept
from sqlqueue.store.sql.postgres_redrive import waited

CONNECT = Statement("""
INSERT INTO sqlqueue_dependencies (dependent, position, parent)
SELECT edge ->> 0, CAST(edge ->> 1 AS integer), edge ->> 2 FROM json_array_elements(CAST(:edges AS json)) AS edge
    ON CONFLICT DO NOTHING
""")

# Whoever settles a job resolves its edges; whoever finds them locked leaves them to him. Here and below each row is
# looked for by itself, in a sub-select that locks: joined to tables that were analysed when
# they were nearly empty, as they are most of the day, all of a table is read for each batch.
RESOLVE = Statement("""
UPDATE sqlqueue_dependencies d
   SET outcome = h.outcome, result = CAST(h.result AS json)
  FROM (SELECT o.ctid, x.outcome, x.result
          FROM json_to_recordset(CAST(:ended AS json)) AS x(id text, outcome text, result text)
         CROSS JOIN LATERAL (
               SELECT o.ctid FROM sqlqueue_dependencies o
                WHERE o.parent = x.id AND o.outcome IS NULL
                  FOR UPDATE SKIP LOCKED) AS o) AS h
 WHERE d.ctid = h.ctid
RETURNING d.dependent
""")

LOCK_BLOCKED = Statement("""
SELECT id FROM sqlqueue_jobs
 WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) AND state = 'blocked'
 ORDER BY id FOR UPDATE SKIP LOCKED
""")

STILL_BLOCKED = Statement("""
SELECT id FROM sqlqueue_jobs
 WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) AND state = 'blocked'
""")

# From the last edge backwards: jobs run in about the order of their edges, so an open one is found at once.
WAITERS = Statement("""
SELECT j.id, j.options ->> 'takes',
       (SELECT d.position FROM sqlqueue_dependencies d WHERE d.dependent = j.id AND d.outcome IS NULL
         ORDER BY d.dependent DESC, d.position DESC LIMIT 1) IS NOT NULL,
       CAST(j.args AS text), CAST(j.options AS text)
  FROM sqlqueue_jobs j
 WHERE j.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) AND j.state = 'blocked'
 ORDER BY j.id
""")

CULPRITS = Statement("""
SELECT j.id, b.parent, b.outcome, r.task, CAST(r.args AS text), CAST(r.kwargs AS text), r.root_id, r.error,
       CAST(r.exception AS text), r.traceback, r.options ->> 'stands'
  FROM sqlqueue_jobs j
 CROSS JOIN LATERAL (SELECT d.parent, d.outcome FROM sqlqueue_dependencies d
                      WHERE d.dependent = j.id AND d.outcome <> 'succeeded'
                      ORDER BY d.dependent, d.position LIMIT 1) AS b
  LEFT JOIN LATERAL (SELECT * FROM sqlqueue_results f WHERE f.id = b.parent LIMIT 1) AS r ON true
 WHERE j.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) AND j.state = 'blocked'
""")

_TAIL = "CASE WHEN json_array_length(b.args) = 0 THEN ']' ELSE ',' || substr(ltrim(CAST(b.args AS text)), 2) END"

# The results are put before the arguments as text, so that they arrive as they were stored. A job is left alone for
# which they are too much.
LET_GO = Statement(f"""
UPDATE sqlqueue_jobs j
   SET state = CASE WHEN h.waits THEN 'scheduled' ELSE 'ready' END,
       seq = CASE WHEN h.waits THEN NULL ELSE nextval('sqlqueue_jobs_seq') END,
       run_at = h.run_at, expires_at = coalesce(h.expires_at, j.expires_at), args = CAST(h.args AS json),
       options = coalesce(CAST(h.options AS json), j.options)
  FROM (SELECT g.*, coalesce(g.run_at > clock_timestamp(), false) AS waits FROM (
        SELECT b.place, x.options,
               coalesce(CAST(b.options ->> 'eta' AS timestamptz),
                        clock_timestamp() + CAST(b.options ->> 'delay' AS double precision) * interval '1 second')
                   AS run_at,
               clock_timestamp() + CAST(b.options ->> 'expires' AS double precision) * interval '1 second'
                   AS expires_at,
               coalesce(x.args, CASE replace(b.options ->> 'takes', 'joined', 'value')
                   WHEN 'value' THEN '[' || coalesce((SELECT CAST(d.result AS text) FROM sqlqueue_dependencies d
                                                       WHERE d.dependent = b.id LIMIT 1), 'null') || {_TAIL}
                   WHEN 'list' THEN '[[' || coalesce((
                        SELECT string_agg(coalesce(CAST(d.result AS text), 'null'), ',' ORDER BY d.position)
                          FROM sqlqueue_dependencies d WHERE d.dependent = b.id), '') || ']' || {_TAIL}
                   ELSE CAST(b.args AS text) END) AS args
          FROM json_to_recordset(CAST(:doc AS json)) AS x(id text, args text, options text)
         CROSS JOIN LATERAL (
               SELECT b.ctid AS place, b.* FROM sqlqueue_jobs b
                WHERE b.id = x.id AND b.state = 'blocked' FOR UPDATE) AS b
         WHERE x.args IS NOT NULL OR b.options ->> 'takes' <> 'list'
            OR coalesce((SELECT sum(octet_length(CAST(d.result AS text)))
                           FROM sqlqueue_dependencies d WHERE d.dependent = b.id), 0) <= :most) AS g) AS h
 WHERE j.ctid = h.place
RETURNING j.id, j.queue, j.priority, j.seq
""")

DOOM = Statement(f"""
WITH gone AS (
    DELETE FROM sqlqueue_jobs j
     USING (SELECT r.ctid, x.state, x.error, x.exception, x.traceback
              FROM json_to_recordset(CAST(:doc AS json))
                   AS x(id text, state text, error text, exception text, traceback text)
             CROSS JOIN LATERAL (
                   SELECT r.ctid FROM sqlqueue_jobs r WHERE r.id = x.id AND r.state = 'blocked' FOR UPDATE) AS r) AS x
     WHERE j.ctid = x.ctid
    RETURNING {kept("j")}, j.crashes, x.state AS final, x.error AS why, x.exception, x.traceback
)
{INTO_RESULTS}, error, exception, traceback, result)
SELECT {kept()}, final, clock_timestamp(), crashes, why, CAST(exception AS json), traceback, {waited("gone")}
  FROM gone
RETURNING id
""")

DROP_BLOCKED = Statement("""
DELETE FROM sqlqueue_jobs
 WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) AND state = 'blocked'
""")

DISCONNECT = Statement("""
DELETE FROM sqlqueue_dependencies
 WHERE dependent = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
""")

# The same of jobs that are over. Whoever is just resolving one of these edges is not waited for: he finds the job gone,
# and forgets it himself.
FORGET_EDGES_OF = Statement("""
DELETE FROM sqlqueue_dependencies
 WHERE ctid = ANY (ARRAY(
       SELECT d.ctid FROM sqlqueue_dependencies d
        WHERE d.dependent = ANY (ARRAY(
              SELECT over.id FROM json_array_elements_text(CAST(:ids AS json)) AS over(id)
               WHERE (SELECT j.id FROM sqlqueue_jobs j WHERE j.id = over.id) IS NULL))
          FOR UPDATE SKIP LOCKED))
""")

# For those that SQL has ended without knowing what came of them.
ENDS = Statement("""
SELECT id, state, CAST(result AS text) FROM sqlqueue_results
 WHERE id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
""")

LOOSE = Statement("""
SELECT j.id FROM sqlqueue_jobs j
 WHERE j.seq IS NULL AND j.run_at IS NULL AND j.state = 'blocked'
   AND (SELECT d.position FROM sqlqueue_dependencies d WHERE d.dependent = j.id AND d.outcome IS NULL
         ORDER BY d.dependent DESC, d.position DESC LIMIT 1) IS NULL
 LIMIT :at_most
""")

# Edges of a job that was ended while it was blocked, by hand.
FORGET_EDGES = Statement("""
DELETE FROM sqlqueue_dependencies
 WHERE ctid = ANY (ARRAY(
       SELECT d.ctid FROM sqlqueue_dependencies d
        WHERE NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j WHERE j.id = d.dependent)
        LIMIT :at_most FOR UPDATE SKIP LOCKED))
""")

# A running job whose task has put a workflow in its place. It waits, if only to be let go at once; tries count anew.
BECOME = Statement("""
UPDATE sqlqueue_jobs j
   SET state = 'blocked', seq = NULL, worker = NULL, claimed_at = NULL, run_at = NULL, retries = 0, error = NULL,
       task = h.task, queue = h.queue, priority = h.priority, args = CAST(h.args AS json),
       kwargs = CAST(h.kwargs AS json), headers = coalesce(CAST(h.headers AS json), j.headers),
       options = CAST(h.options AS json), limits = h.limits
  FROM (SELECT r.ctid, x.*
          FROM json_to_record(CAST(:doc AS json)) AS x(
               id text, task text, queue text, priority smallint, args text, kwargs text, headers text, options text,
               limits text)
          JOIN sqlqueue_jobs r ON r.id = x.id
         WHERE r.state = 'running' AND r.claim_token = :token AND r.worker = CAST(:worker AS uuid)
           AND NOT r.revoked
           FOR UPDATE OF r SKIP LOCKED) AS h
 WHERE j.ctid = h.ctid
RETURNING j.id
""")

# The bodies that wait for a running member, locked, so that two members may add to the header at a time.
LOCK_BODIES = Statement("""
SELECT b.id FROM sqlqueue_jobs b
 WHERE b.id = ANY (ARRAY(SELECT d.dependent FROM sqlqueue_dependencies d
                          WHERE d.parent = :member AND d.outcome IS NULL))
   AND b.state = 'blocked' AND b.options ->> 'takes' IN ('list', 'all')
 ORDER BY b.id FOR UPDATE
""")

ATTACH = Statement("""
INSERT INTO sqlqueue_dependencies (dependent, position, parent)
SELECT b.id, (SELECT max(d.position) + 1 FROM sqlqueue_dependencies d WHERE d.dependent = b.id), :added
  FROM (SELECT json_array_elements_text(CAST(:bodies AS json)) AS id) AS b
""")

SAVE_GROUP = Statement("""
INSERT INTO sqlqueue_groups (id, members) VALUES (:id, CAST(:members AS json))
    ON CONFLICT (id) DO UPDATE SET members = excluded.members
""")

RESTORE_GROUP = Statement("SELECT CAST(members AS text) FROM sqlqueue_groups WHERE id = :id")

CHILDREN = by_index("""
SELECT id, parent_id FROM (
    SELECT id, parent_id, created_at FROM sqlqueue_jobs
     WHERE parent_id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
    UNION ALL
    SELECT id, parent_id, created_at FROM sqlqueue_results
     WHERE parent_id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))) AS c
 ORDER BY created_at, id
""")

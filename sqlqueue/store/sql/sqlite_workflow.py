"""SQLite: workflows. One writer at a time, so nothing is locked and nothing skipped."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.columns import INTO_RESULTS, kept
from sqlqueue.store.sql.sqlite_moments import statement
from sqlqueue.store.sql.sqlite_redrive import waited

CONNECT = Statement("""
INSERT INTO sqlqueue_dependencies (dependent, position, parent)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(:edges)
 WHERE true
    ON CONFLICT DO NOTHING
""")

RESOLVE = Statement("""
UPDATE sqlqueue_dependencies
   SET outcome = x.outcome, result = x.result
  FROM (SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.outcome') AS outcome,
               json_extract(value, '$.result') AS result FROM json_each(:ended)) AS x
 WHERE sqlqueue_dependencies.parent = x.id AND sqlqueue_dependencies.outcome IS NULL
RETURNING dependent
""")

STILL_BLOCKED = Statement("""
SELECT id FROM sqlqueue_jobs WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'blocked' ORDER BY id
""")

LOCK_BLOCKED = STILL_BLOCKED

WAITERS = Statement("""
SELECT id, json_extract(options, '$.takes'),
       (SELECT d.position FROM sqlqueue_dependencies d WHERE d.dependent = j.id AND d.outcome IS NULL
         ORDER BY d.dependent DESC, d.position DESC LIMIT 1) IS NOT NULL,
       args, options
  FROM sqlqueue_jobs j
 WHERE j.id IN (SELECT value FROM json_each(:ids)) AND j.state = 'blocked'
 ORDER BY j.id
""")

CULPRITS = Statement("""
SELECT j.id, d.parent, d.outcome, r.task, r.args, r.kwargs, r.root_id, r.error, r.exception, r.traceback,
       json_extract(r.options, '$.stands')
  FROM sqlqueue_jobs j
  JOIN sqlqueue_dependencies d ON d.dependent = j.id AND d.position = (
       SELECT b.position FROM sqlqueue_dependencies b WHERE b.dependent = j.id AND b.outcome <> 'succeeded'
        ORDER BY b.position LIMIT 1)
  LEFT JOIN sqlqueue_results r ON r.id = d.parent
 WHERE j.id IN (SELECT value FROM json_each(:ids)) AND j.state = 'blocked'
""")

_TAIL = "CASE WHEN json_array_length(b.args) = 0 THEN ']' ELSE ',' || substr(ltrim(b.args), 2) END"

# The results are put before the arguments as text, so that they arrive as they were stored. A job is left alone for
# which they are too much.
LET_GO = statement(f"""
UPDATE sqlqueue_jobs
   SET state = CASE WHEN h.run_at > <now> THEN 'scheduled' ELSE 'ready' END,
       seq = CASE WHEN h.run_at > <now> THEN NULL ELSE :base + h.n END,
       run_at = h.run_at, expires_at = coalesce(h.expires_at, sqlqueue_jobs.expires_at), args = h.args,
       options = coalesce(h.options, sqlqueue_jobs.options)
  FROM (SELECT b.id, x.n, x.options,
               coalesce(json_extract(b.options, '$.eta'),
                        CASE WHEN json_extract(b.options, '$.delay') IS NOT NULL
                             THEN <in:json_extract(b.options, '$.delay')> END) AS run_at,
               CASE WHEN json_extract(b.options, '$.expires') IS NOT NULL
                    THEN <in:json_extract(b.options, '$.expires')> END AS expires_at,
               coalesce(x.args, CASE replace(json_extract(b.options, '$.takes'), 'joined', 'value')
                   WHEN 'value' THEN '[' || coalesce((SELECT d.result FROM sqlqueue_dependencies d
                                                       WHERE d.dependent = b.id LIMIT 1), 'null') || {_TAIL}
                   WHEN 'list' THEN '[[' || coalesce((
                        SELECT group_concat(given, ',')
                          FROM (SELECT coalesce(d.result, 'null') AS given FROM sqlqueue_dependencies d
                                 WHERE d.dependent = b.id ORDER BY d.position)), '') || ']' || {_TAIL}
                   ELSE b.args END) AS args
          FROM (SELECT key + 1 AS n, json_extract(value, '$.id') AS id, json_extract(value, '$.args') AS args,
                       json_extract(value, '$.options') AS options FROM json_each(:doc)) AS x
          JOIN sqlqueue_jobs b ON b.id = x.id
         WHERE b.state = 'blocked'
           AND (x.args IS NOT NULL OR json_extract(b.options, '$.takes') <> 'list'
                OR coalesce((SELECT sum(length(CAST(d.result AS blob)))
                               FROM sqlqueue_dependencies d WHERE d.dependent = b.id), 0) <= :most)) AS h
 WHERE sqlqueue_jobs.id = h.id
RETURNING id, queue, priority, seq
""")

DOOM = statement(f"""
{INTO_RESULTS}, error, exception, traceback, result)
SELECT {kept("j")}, json_extract(value, '$.state'), <now>, j.crashes, json_extract(value, '$.error'),
       json_extract(value, '$.exception'), json_extract(value, '$.traceback'), {waited("j")}
  FROM json_each(:doc) x JOIN sqlqueue_jobs j ON j.id = json_extract(x.value, '$.id')
 WHERE j.state = 'blocked'
    ON CONFLICT (id) DO NOTHING
RETURNING id
""")

DROP_BLOCKED = Statement("""
DELETE FROM sqlqueue_jobs WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'blocked'
""")

DISCONNECT = Statement("DELETE FROM sqlqueue_dependencies WHERE dependent IN (SELECT value FROM json_each(:ids))")

FORGET_EDGES_OF = Statement("""
DELETE FROM sqlqueue_dependencies
 WHERE dependent IN (SELECT value FROM json_each(:ids))
   AND NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j WHERE j.id = dependent)
""")

ENDS = Statement("SELECT id, state, result FROM sqlqueue_results WHERE id IN (SELECT value FROM json_each(:ids))")

LOOSE = Statement("""
SELECT j.id FROM sqlqueue_jobs j
 WHERE j.seq IS NULL AND j.run_at IS NULL AND j.state = 'blocked'
   AND NOT EXISTS (SELECT 1 FROM sqlqueue_dependencies d WHERE d.dependent = j.id AND d.outcome IS NULL)
 LIMIT :at_most
""")

# Edges of a job that was ended while it was blocked, by hand.
FORGET_EDGES = Statement("""
DELETE FROM sqlqueue_dependencies
 WHERE rowid IN (SELECT d.rowid FROM sqlqueue_dependencies d
                  WHERE NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j WHERE j.id = d.dependent)
                  LIMIT :at_most)
""")

# A running job whose task has put a workflow in its place. It waits, if only to be let go at once; tries count anew.
BECOME = Statement("""
UPDATE sqlqueue_jobs
   SET state = 'blocked', seq = NULL, worker = NULL, claimed_at = NULL, run_at = NULL, retries = 0, error = NULL,
       task = json_extract(:doc, '$.task'), queue = json_extract(:doc, '$.queue'),
       priority = json_extract(:doc, '$.priority'), args = json_extract(:doc, '$.args'),
       kwargs = json_extract(:doc, '$.kwargs'), headers = coalesce(json_extract(:doc, '$.headers'), headers),
       options = json_extract(:doc, '$.options'), limits = json_extract(:doc, '$.limits')
 WHERE id = json_extract(:doc, '$.id') AND state = 'running' AND claim_token = :token AND worker = :worker
   AND NOT revoked
RETURNING id
""")

# The bodies that wait for a running member.
LOCK_BODIES = Statement("""
SELECT b.id FROM sqlqueue_jobs b
 WHERE b.id IN (SELECT d.dependent FROM sqlqueue_dependencies d WHERE d.parent = :member AND d.outcome IS NULL)
   AND b.state = 'blocked' AND json_extract(b.options, '$.takes') IN ('list', 'all')
 ORDER BY b.id
""")

ATTACH = Statement("""
INSERT INTO sqlqueue_dependencies (dependent, position, parent)
SELECT b.value, (SELECT max(d.position) + 1 FROM sqlqueue_dependencies d WHERE d.dependent = b.value), :added
  FROM json_each(:bodies) AS b
""")

SAVE_GROUP = Statement("""
INSERT INTO sqlqueue_groups (id, members) VALUES (:id, :members)
    ON CONFLICT (id) DO UPDATE SET members = excluded.members
""")

RESTORE_GROUP = Statement("SELECT members FROM sqlqueue_groups WHERE id = :id")

CHILDREN = Statement("""
SELECT id, parent_id FROM (
    SELECT id, parent_id, created_at FROM sqlqueue_jobs WHERE parent_id IN (SELECT value FROM json_each(:ids))
    UNION ALL
    SELECT id, parent_id, created_at FROM sqlqueue_results WHERE parent_id IN (SELECT value FROM json_each(:ids)))
 ORDER BY created_at, id
""")

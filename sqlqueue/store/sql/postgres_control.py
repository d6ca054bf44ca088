"""PostgreSQL: commands to workers and their answers."""

from __future__ import annotations

from sqlqueue.store.operation import Statement

POST = Statement("""
INSERT INTO sqlqueue_control (id, command, arguments, destination, wants_reply, expires_at)
VALUES (:id, :command, CAST(:arguments AS json), CAST(:destination AS json), :wants_reply,
        clock_timestamp() + CAST(:seconds AS double precision) * interval '1 second')
""")

# All that a worker must look for besides jobs, in one statement: an idle worker pays for no second one. The last row
# is the time.
NOTICES = Statement("""
SELECT 'paused', q.name, NULL, NULL, NULL, NULL FROM sqlqueue_queues q WHERE q.paused_at IS NOT NULL
UNION ALL
SELECT 'limit', l.name, CAST(l.running AS text), CAST(l.starts AS text), CAST(l.seconds AS text), CAST(NULL AS boolean)
  FROM sqlqueue_limits l WHERE l.set_at IS NOT NULL
UNION ALL
SELECT 'message', m.id, m.command, CAST(m.arguments AS text), CAST(m.destination AS text), m.wants_reply
  FROM sqlqueue_control m JOIN sqlqueue_workers w ON w.incarnation = CAST(:incarnation AS uuid)
 WHERE m.expires_at > clock_timestamp() AND m.created_at >= w.started_at
   AND m.created_at >= to_timestamp(CAST(:since AS double precision))
UNION ALL
SELECT 'watched', l.name, NULL, NULL, NULL, NULL
  FROM sqlqueue_leases l WHERE l.name = 'events' AND l.expires_at > clock_timestamp()
UNION ALL
SELECT 'now', CAST(extract(epoch FROM clock_timestamp()) AS text), NULL, NULL, NULL, NULL
""")

ANSWER = Statement("""
INSERT INTO sqlqueue_replies (message_id, worker, name, reply)
VALUES (:message_id, CAST(:worker AS uuid), :name, CAST(:reply AS json))
    ON CONFLICT (message_id, worker) DO NOTHING
""")

REPLIES = Statement("""
SELECT CAST(worker AS text), name, CAST(reply AS text) FROM sqlqueue_replies
 WHERE message_id = :message_id ORDER BY created_at, worker
""")

PRUNE_CONTROL = Statement("DELETE FROM sqlqueue_control WHERE expires_at < clock_timestamp()")

PRUNE_REPLIES = Statement("DELETE FROM sqlqueue_replies WHERE created_at < clock_timestamp() - interval '10 minutes'")

PRUNE_LEASES = Statement("DELETE FROM sqlqueue_leases WHERE expires_at < clock_timestamp() - interval '10 minutes'")

SERVE = Statement("""
UPDATE sqlqueue_workers SET queues = CAST(:queues AS json), tasks = CAST(:tasks AS json)
 WHERE incarnation = CAST(:incarnation AS uuid)
""")

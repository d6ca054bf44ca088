"""SQLite: commands to workers and their answers."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.sqlite_moments import statement

POST = statement("""
INSERT INTO sqlqueue_control (id, command, arguments, destination, wants_reply, expires_at)
VALUES (:id, :command, :arguments, :destination, :wants_reply, <in::seconds>)
""")

NOTICES = statement("""
SELECT 'paused', q.name, NULL, NULL, NULL, NULL FROM sqlqueue_queues q WHERE q.paused_at IS NOT NULL
UNION ALL
SELECT 'limit', l.name, CAST(l.running AS TEXT), CAST(l.starts AS TEXT), CAST(l.seconds AS TEXT), NULL
  FROM sqlqueue_limits l WHERE l.set_at IS NOT NULL
UNION ALL
SELECT 'message', m.id, m.command, m.arguments, m.destination, m.wants_reply
  FROM sqlqueue_control m JOIN sqlqueue_workers w ON w.incarnation = :incarnation
 WHERE m.expires_at > <now> AND m.created_at >= w.started_at
   AND julianday(m.created_at) * 86400.0 >= :since + 210866760000.0
UNION ALL
SELECT 'watched', l.name, NULL, NULL, NULL, NULL FROM sqlqueue_leases l WHERE l.name = 'events' AND l.expires_at > <now>
UNION ALL
SELECT 'now', CAST(julianday('now') * 86400.0 - 210866760000.0 AS TEXT), NULL, NULL, NULL, NULL
""")

ANSWER = Statement("""
INSERT INTO sqlqueue_replies (message_id, worker, name, reply) VALUES (:message_id, :worker, :name, :reply)
    ON CONFLICT (message_id, worker) DO NOTHING
""")

REPLIES = Statement("""
SELECT worker, name, reply FROM sqlqueue_replies WHERE message_id = :message_id ORDER BY created_at, worker
""")

PRUNE_CONTROL = statement("DELETE FROM sqlqueue_control WHERE expires_at < <now>")

PRUNE_REPLIES = statement("DELETE FROM sqlqueue_replies WHERE created_at < <in:-600.0>")

PRUNE_LEASES = statement("DELETE FROM sqlqueue_leases WHERE expires_at < <in:-600.0>")

SERVE = Statement("UPDATE sqlqueue_workers SET queues = :queues, tasks = :tasks WHERE incarnation = :incarnation")

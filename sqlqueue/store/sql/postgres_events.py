"""PostgreSQL: the stream of events. It is for who watches now, so that its table is not logged.

Who writes waits for its turn: numbers are committed in their order, and a reader that has seen one has seen all before
it. The lock is held for one statement, a few times a second.
"""

from __future__ import annotations

from sqlqueue.store.operation import Statement

TELL_EVENTS = Statement("""
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtext('sqlqueue_events'))
     WHERE CAST(:always AS boolean) OR EXISTS (
           SELECT 1 FROM sqlqueue_leases l WHERE l.name = 'events' AND l.expires_at > clock_timestamp()))
INSERT INTO sqlqueue_events (type, hostname, event)
SELECT e ->> 'type', e ->> 'hostname', e
  FROM turn CROSS JOIN json_array_elements(CAST(:events AS json)) AS e
""")

WATCH_EVENTS = Statement("""
INSERT INTO sqlqueue_leases AS l (name, holder, expires_at)
VALUES ('events', CAST(:holder AS uuid), clock_timestamp() + CAST(:seconds AS double precision) * interval '1 second')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = greatest(l.expires_at, excluded.expires_at)
""")

READ_EVENTS = Statement("""
SELECT seq, CAST(event AS text) FROM sqlqueue_events WHERE seq > CAST(:after AS bigint) ORDER BY seq LIMIT :at_most
""")

# One at a time: two that delete the same rows would wait for each other.
PRUNE_EVENTS = Statement("""
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('sqlqueue_events'), 1) AS mine)
DELETE FROM sqlqueue_events
 WHERE (SELECT mine FROM turn)
   AND (created_at < clock_timestamp() - CAST(:seconds AS double precision) * interval '1 second'
        OR seq <= (SELECT max(seq) FROM sqlqueue_events) - CAST(:at_most AS bigint))
""")

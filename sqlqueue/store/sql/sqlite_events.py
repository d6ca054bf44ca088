"""SQLite: the stream of events. There is one writer at a time, so numbers are committed in their order."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.sqlite_moments import statement

TELL_EVENTS = statement("""
INSERT INTO sqlqueue_events (type, hostname, event)
SELECT json_extract(e.value, '$.type'), json_extract(e.value, '$.hostname'), e.value
  FROM json_each(:events) AS e
 WHERE :always OR EXISTS (SELECT 1 FROM sqlqueue_leases l WHERE l.name = 'events' AND l.expires_at > <now>)
 ORDER BY e.key
""")

WATCH_EVENTS = statement("""
INSERT INTO sqlqueue_leases (name, holder, expires_at) VALUES ('events', :holder, <in::seconds>)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = max(expires_at, excluded.expires_at)
""")

READ_EVENTS = Statement("SELECT seq, event FROM sqlqueue_events WHERE seq > :after ORDER BY seq LIMIT :at_most")

PRUNE_EVENTS = statement("""
DELETE FROM sqlqueue_events
 WHERE created_at < <in:-:seconds> OR seq <= (SELECT max(seq) FROM sqlqueue_events) - :at_most
""")

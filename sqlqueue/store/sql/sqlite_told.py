"""SQLite: states that running tasks show."""

from __future__ import annotations

from sqlqueue.store.sql.sqlite_moments import statement

TELL_STATES = statement("""
INSERT INTO sqlqueue_told AS t (id, token, state, meta)
SELECT j.id, j.claim_token, json_extract(x.value, '$[2]'), json_extract(x.value, '$[3]')
  FROM json_each(:told) AS x
  JOIN sqlqueue_jobs j ON j.id = json_extract(x.value, '$[0]') AND j.state = 'running'
                      AND j.claim_token = coalesce(json_extract(x.value, '$[1]'), j.claim_token)
 WHERE true
    ON CONFLICT (id) DO UPDATE
   SET token = excluded.token, state = excluded.state, meta = excluded.meta, told_at = <now>
 WHERE t.token <= excluded.token
""")

FORGET_TOLD = statement("""
DELETE FROM sqlqueue_told WHERE NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j WHERE j.id = sqlqueue_told.id)
""")

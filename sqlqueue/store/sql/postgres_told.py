"""PostgreSQL: states that running tasks show.

In a table of their own: a transactional task is going to delete the job's row, perhaps at REPEATABLE READ, where a row
that was changed meanwhile would undo it.
"""

from __future__ import annotations

from sqlqueue.store.operation import Statement, by_index

TELL_STATES = by_index("""
INSERT INTO sqlqueue_told AS t (id, token, state, meta)
SELECT j.id, j.claim_token, x.state, CAST(x.meta AS json)
  FROM (SELECT one ->> 0 AS id, CAST(one ->> 1 AS bigint) AS token, one ->> 2 AS state, one ->> 3 AS meta
          FROM json_array_elements(CAST(:told AS json)) AS one) AS x
 CROSS JOIN LATERAL (SELECT r.id, r.claim_token FROM sqlqueue_jobs r
                      WHERE r.id = x.id AND r.state = 'running'
                        AND r.claim_token = coalesce(x.token, r.claim_token) OFFSET 0) AS j
    ON CONFLICT (id) DO UPDATE
   SET token = excluded.token, state = excluded.state, meta = excluded.meta, told_at = clock_timestamp()
 WHERE t.token <= excluded.token
""")

FORGET_TOLD = Statement("""
DELETE FROM sqlqueue_told t WHERE NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j WHERE j.id = t.id)
""")

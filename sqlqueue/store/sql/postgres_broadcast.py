"""PostgreSQL: the copies of jobs of broadcast queues, and workers of long ago."""

from __future__ import annotations

from sqlqueue.store.operation import Statement

# A worker's own queue has its name behind an @. Whose row says so is looked at more closely by who asked.
OWN_QUEUES = Statement("""
SELECT name, CAST(queues AS text), stopped_at IS NULL OR stopped_at > clock_timestamp()
       - CAST(:seconds AS double precision) * interval '1 second'
  FROM sqlqueue_workers WHERE CAST(queues AS text) LIKE '%@%'
""")

_COPIES = " UNION ALL ".join(
    f"""
       SELECT j.id FROM sqlqueue_jobs j
        WHERE j.queue = q.queue AND j.seq IS NOT NULL AND j.limits {limited} AND j.state = 'ready'
          AND j.options ->> 'broadcast' IS NOT NULL"""
    for limited in ("IS NULL", "IS NOT NULL")
)

COPIES_IN = Statement(f"""
SELECT r.id
  FROM (SELECT json_array_elements_text(CAST(:queues AS json)) AS queue) AS q
 CROSS JOIN LATERAL ({_COPIES}) AS r
 LIMIT 1000
""")

FORGET_WORKERS = Statement("""
DELETE FROM sqlqueue_workers
 WHERE stopped_at < clock_timestamp() - CAST(:seconds AS double precision) * interval '1 second'
""")

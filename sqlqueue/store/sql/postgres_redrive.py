"""PostgreSQL: jobs of workflows that never ran, since one that they waited for did not succeed, are made jobs again."""

from __future__ import annotations

from sqlqueue.store.operation import Statement, by_index
from sqlqueue.store.sql.columns import block_again

NEVER_RAN = """coalesce(CAST(r.result AS text), '') LIKE '{"waited"%'"""
"""Of a result ``r``: that its job was ended while it waited for others."""


def waited(table: str) -> str:
    """Return what the result of a job keeps that was ended while it waited: for whom, in the order of its edges."""
    return f"""(SELECT CAST('{{"waited":' || json_agg(d.parent ORDER BY d.position) || '}}' AS json)
                  FROM sqlqueue_dependencies d WHERE d.dependent = {table}.id)"""


_IDS = "ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))"

# One retry by hand, or one sweep, at a time: what each reads of jobs that never ran must still hold when it writes.
REDRIVE_TURN = Statement("SELECT pg_advisory_xact_lock(hashtext('sqlqueue_redrive'))")

TRY_REDRIVE_TURN = Statement("SELECT pg_try_advisory_xact_lock(hashtext('sqlqueue_redrive'))")

# Those that still wait for jobs which run again, since nobody has judged them yet: whoever does so has them locked.
LOCK_DEPENDENTS = by_index(f"""
SELECT b.id FROM sqlqueue_jobs b
 WHERE b.id = ANY (ARRAY(SELECT d.dependent FROM sqlqueue_dependencies d WHERE d.parent = ANY ({_IDS})))
   AND b.state = 'blocked'
 ORDER BY b.id FOR UPDATE
""")

OPEN_AGAIN = by_index(f"""
UPDATE sqlqueue_dependencies SET outcome = NULL, result = NULL
 WHERE parent = ANY ({_IDS}) AND outcome <> 'succeeded'
""")

ROOTS_OF = by_index(f"""
SELECT DISTINCT coalesce(root_id, id) FROM sqlqueue_jobs
 WHERE id = ANY ({_IDS}) AND strpos(CAST(options AS text), '"feeds"') > 0
""")

_NEVER_RAN_BY = f"""
SELECT r.id, CAST(r.result AS text) FROM sqlqueue_results r
 WHERE r.state IN ('failed', 'revoked') AND {NEVER_RAN}
   AND r."""

NEVER_RAN_OF = by_index(f"{_NEVER_RAN_BY}id = ANY ({_IDS})")

NEVER_RAN_UNDER = Statement(f"{_NEVER_RAN_BY}root_id = ANY ({_IDS})")

BLOCK_AGAIN = Statement(block_again(f"r.id = ANY ({_IDS}) AND {NEVER_RAN}"))

# What became of each parent meanwhile: one that is a job again is waited for.
CONNECT_AGAIN = Statement("""
INSERT INTO sqlqueue_dependencies (dependent, position, parent, outcome, result)
SELECT e.dependent, e.position, e.parent,
       CASE WHEN j.id IS NULL THEN coalesce(r.state, 'revoked') END,
       CASE WHEN j.id IS NULL AND r.state = 'succeeded' THEN r.result END
  FROM (SELECT edge ->> 0 AS dependent, CAST(edge ->> 1 AS integer) AS position, edge ->> 2 AS parent
          FROM json_array_elements(CAST(:edges AS json)) AS edge) AS e
  LEFT JOIN LATERAL (SELECT j.id FROM sqlqueue_jobs j WHERE j.id = e.parent OFFSET 0) AS j ON true
  LEFT JOIN LATERAL (SELECT f.state, f.result FROM sqlqueue_results f WHERE f.id = e.parent LIMIT 1) AS r ON true
    ON CONFLICT DO NOTHING
""")

"""SQLite: jobs of workflows that never ran, since one that they waited for did not succeed, are made jobs again."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.columns import block_again

NEVER_RAN = """coalesce(r.result, '') LIKE '{"waited"%'"""
"""Of a result ``r``: that its job was ended while it waited for others."""


def waited(table: str) -> str:
    """Return what the result of a job keeps that was ended while it waited: for whom, in the order of its edges."""
    return f"""(SELECT json_object('waited', json_group_array(parent))
                  FROM (SELECT d.parent FROM sqlqueue_dependencies d
                         WHERE d.dependent = {table}.id ORDER BY d.position))"""


OPEN_AGAIN = Statement("""
UPDATE sqlqueue_dependencies SET outcome = NULL, result = NULL
 WHERE parent IN (SELECT value FROM json_each(:ids)) AND outcome <> 'succeeded'
""")

ROOTS_OF = Statement("""
SELECT DISTINCT coalesce(root_id, id) FROM sqlqueue_jobs
 WHERE id IN (SELECT value FROM json_each(:ids)) AND instr(options, '"feeds"') > 0
""")

_NEVER_RAN_BY = f"""
SELECT r.id, r.result FROM sqlqueue_results r
 WHERE r.state IN ('failed', 'revoked') AND {NEVER_RAN}
   AND r."""

NEVER_RAN_OF = Statement(f"{_NEVER_RAN_BY}id IN (SELECT value FROM json_each(:ids))")

NEVER_RAN_UNDER = Statement(f"{_NEVER_RAN_BY}root_id IN (SELECT value FROM json_each(:ids))")

BLOCK_AGAIN = Statement(block_again(f"r.id IN (SELECT value FROM json_each(:ids)) AND {NEVER_RAN}"))

# What became of each parent meanwhile: one that is a job again is waited for.
CONNECT_AGAIN = Statement("""
INSERT INTO sqlqueue_dependencies (dependent, position, parent, outcome, result)
SELECT json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]'), json_extract(e.value, '$[2]'),
       CASE WHEN j.id IS NULL THEN coalesce(r.state, 'revoked') END,
       CASE WHEN j.id IS NULL AND r.state = 'succeeded' THEN r.result END
  FROM json_each(:edges) AS e
  LEFT JOIN sqlqueue_jobs j ON j.id = json_extract(e.value, '$[2]')
  LEFT JOIN sqlqueue_results r ON r.id = json_extract(e.value, '$[2]')
 WHERE true
    ON CONFLICT DO NOTHING
""")

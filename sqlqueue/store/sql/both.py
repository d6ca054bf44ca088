"""The statements that are the same text on both databases."""

from __future__ import annotations

from sqlqueue.store.operation import Statement, by_index
from sqlqueue.store.sql.listing import SHOW_FINISHED, SHOW_UNFINISHED

REVOKED = Statement("""
SELECT id FROM (SELECT * FROM (SELECT id, state FROM sqlqueue_results ORDER BY id DESC LIMIT :newest) AS r
                 WHERE state = 'revoked'
                UNION ALL
                SELECT id, state FROM (SELECT id, state, revoked FROM sqlqueue_jobs ORDER BY id DESC LIMIT :newest) AS j
                 WHERE revoked) AS found
 ORDER BY id DESC LIMIT :at_most
""")

SHOW_JOB = by_index(SHOW_UNFINISHED)

SHOW_RESULT = Statement(SHOW_FINISHED)

RESUME = Statement("""
UPDATE sqlqueue_queues SET paused_at = NULL WHERE name = :name AND paused_at IS NOT NULL RETURNING name
""")

PAUSED = Statement("SELECT name, paused_at FROM sqlqueue_queues WHERE paused_at IS NOT NULL")

SCHEMA_VERSION = Statement("SELECT version_num FROM sqlqueue_alembic_version")

FREE_KEY = Statement("UPDATE sqlqueue_jobs SET unique_key = NULL WHERE unique_key = :key AND state = 'running'")

KEY_HOLDER = Statement("SELECT id FROM sqlqueue_jobs WHERE unique_key = :key")

WINDOW_HOLDER = Statement("SELECT job_id FROM sqlqueue_windows WHERE unique_key = :key")

# What a crash or a lost lock may have left behind. Both are read through indexes, by the leader, now and then.
ANYTHING_BLOCKED = Statement("""
SELECT EXISTS (SELECT 1 FROM sqlqueue_dependencies)
    OR EXISTS (SELECT 1 FROM sqlqueue_jobs WHERE seq IS NULL AND run_at IS NULL AND state = 'blocked')
""")

LOST_PARENTS = Statement("""
SELECT d.parent FROM sqlqueue_dependencies d
 WHERE d.outcome IS NULL AND NOT EXISTS (SELECT 1 FROM sqlqueue_jobs j WHERE j.id = d.parent)
 LIMIT :at_most
""")

UNJUDGED = Statement("SELECT DISTINCT dependent FROM sqlqueue_dependencies WHERE outcome <> 'succeeded' LIMIT :at_most")

NEWEST_EVENT = Statement("SELECT coalesce(max(seq), 0) FROM sqlqueue_events")

DELETE_GROUP = Statement("DELETE FROM sqlqueue_groups WHERE id = :id")

FAMILY = by_index("""
SELECT id, parent_id, root_id, group_id FROM sqlqueue_jobs WHERE id = :id
UNION ALL
SELECT id, parent_id, root_id, group_id FROM sqlqueue_results WHERE id = :id
""")

"""The columns that a job keeps when it is over: the same on both databases, written down once."""

from __future__ import annotations

_KEPT = (
    "id", "queue", "priority", "task", "args", "kwargs", "headers", "options", "parent_id", "root_id", "group_id",
    "created_at", "run_at", "acks_late", "max_crashes", "claimed_at", "attempt", "retries", "claim_token", "worker",
    "history", "limits",
)  # fmt: skip


def kept(table: str = "") -> str:
    """Return the list of them, each qualified by ``table`` if given."""
    return ", ".join(f"{table}.{name}" if table else name for name in _KEPT)


INTO_RESULTS = f"INSERT INTO sqlqueue_results ({kept()}, state, finished_at, crashes"
"""The beginning of every statement that ends jobs; more columns and a closing parenthesis follow."""

MAX_HISTORY = 100
"""Attempts that a job remembers; of one that is retried for ever, the latest."""


def block_again(chosen: str) -> str:
    """Return the statement that makes blocked jobs of those results ``r`` that are ``chosen`` and never ran."""
    return f"""
INSERT INTO sqlqueue_jobs (id, queue, priority, state, task, args, kwargs, headers, options, parent_id, root_id,
                           group_id, created_at, acks_late, max_crashes, claim_token, limits, history)
SELECT id, queue, priority, 'blocked', task, args, kwargs, headers, options, parent_id, root_id, group_id, created_at,
       acks_late, max_crashes, claim_token + 1, limits, history
  FROM sqlqueue_results r
 WHERE {chosen} AND r.state IN ('failed', 'revoked')
    ON CONFLICT DO NOTHING
RETURNING id
"""

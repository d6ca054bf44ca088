"""Lists of jobs, finished or not: the same on both databases but for how rows are matched."""

from __future__ import annotations

_SHOWN = (
    "r.id, r.state, r.queue, r.task, r.priority, CAST(r.args AS text) AS args, CAST(r.kwargs AS text) AS kwargs,"
    " r.created_at, r.run_at, r.claimed_at, {finished}, r.attempt, r.retries, r.crashes, r.error, r.worker"
)
_UNFINISHED = _SHOWN.format(
    finished="CAST(NULL AS timestamp with time zone) AS finished_at, CAST(NULL AS double precision) AS runtime"
)
_FINISHED = _SHOWN.format(finished="r.finished_at, r.runtime")

_LISTED = (
    "x.id, x.state, x.queue, x.task, x.priority, x.args, x.kwargs, x.created_at, x.run_at, x.claimed_at,"
    " x.finished_at, x.runtime, x.attempt, x.retries, x.crashes, x.error, w.name, t.state AS told"
)


def newest_first(matches: str, never_ran: str) -> str:
    """Return the statement that lists jobs by id, newest first, from ``:before`` on; a table not asked is not read.

    Parameters
    ----------
    never_ran: of a result ``r`` that is no success: that its job was ended while it waited for others.
    """
    ran = f"(CAST(:never_ran AS integer) IS NULL OR {_waited(never_ran)} = CAST(:never_ran AS integer))"
    return f"""
SELECT {_LISTED}
  FROM (SELECT * FROM (SELECT {_UNFINISHED}, r.claim_token FROM sqlqueue_jobs r
                        WHERE :unfinished = 1 AND r.id < :before AND {matches} ORDER BY r.id DESC LIMIT :at_most) AS a
        UNION ALL
        SELECT * FROM (SELECT {_FINISHED}, r.claim_token FROM sqlqueue_results r
                        WHERE :finished = 1 AND r.id < :before AND {ran} AND {matches}
                        ORDER BY r.id DESC LIMIT :at_most) AS b
       ) AS x
  LEFT JOIN sqlqueue_workers w ON w.incarnation = x.worker
  LEFT JOIN sqlqueue_told t ON t.id = x.id AND t.token = x.claim_token AND x.state = 'running'
 ORDER BY x.id DESC LIMIT :at_most
"""


def count_never_ran(matches: str, never_ran: str) -> str:
    """Return the statement that counts the jobs that never ran, of those with ids from ``:least`` on."""
    return f"SELECT count(*) FROM sqlqueue_results r WHERE r.id >= :least AND {_waited(never_ran)} = 1 AND {matches}"


def _waited(never_ran: str) -> str:
    """Return 1 or 0; the result of a success, which may be large, is not looked at."""
    return f"CASE WHEN r.state IN ('failed', 'revoked') THEN CASE WHEN {never_ran} THEN 1 ELSE 0 END ELSE 0 END"


_MORE = (
    ", CAST(r.headers AS text), CAST(r.options AS text), r.parent_id, r.root_id, r.group_id, r.acks_late,"
    " r.max_crashes, CAST(r.history AS text)"
)

SHOW_UNFINISHED = f"""
SELECT {_UNFINISHED.replace("r.worker", "w.name")}{_MORE}, r.expires_at, NULL, NULL, NULL, t.state,
       CAST(t.meta AS text), r.revoked
  FROM sqlqueue_jobs r LEFT JOIN sqlqueue_workers w ON w.incarnation = r.worker
  LEFT JOIN sqlqueue_told t ON t.id = r.id AND t.token = r.claim_token AND r.state = 'running' WHERE r.id = :id
"""

SHOW_FINISHED = f"""
SELECT {_FINISHED.replace("r.worker", "w.name")}{_MORE}, NULL, CAST(r.result AS text), CAST(r.exception AS text),
       r.traceback, NULL, NULL, r.state = 'revoked'
  FROM sqlqueue_results r LEFT JOIN sqlqueue_workers w ON w.incarnation = r.worker WHERE r.id = :id
"""

"""PostgreSQL: revoking, and ending the jobs that were revoked while they ran."""

from __future__ import annotations

from sqlqueue.store.operation import Statement, by_index
from sqlqueue.store.sql.columns import INTO_RESULTS, kept
from sqlqueue.store.sql.postgres_redrive import waited
from sqlqueue.store.sql.postgres_rest import held
from sqlqueue.store.sql.postgres_which import MATCHES

# For an operator, who may wait for a row lock, though not for long; workers never do.
PATIENTLY = Statement("SELECT set_config('lock_timeout', CAST(:patience AS text), true)")

MARK_REVOKED = by_index("""
UPDATE sqlqueue_jobs j SET revoked = true
 WHERE j.id = ANY (ARRAY(
       SELECT r.id FROM sqlqueue_jobs r
        WHERE r.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))
        ORDER BY r.id FOR UPDATE))
RETURNING j.id, j.state, CAST(j.worker AS text), j.claim_token
""")

MARK_REVOKED_WHERE = Statement(f"""
UPDATE sqlqueue_jobs j SET revoked = true
 WHERE j.id = ANY (ARRAY(
       SELECT r.id FROM sqlqueue_jobs r
        WHERE NOT r.revoked AND {MATCHES}
        ORDER BY r.id LIMIT :at_most FOR UPDATE))
RETURNING j.id, j.state, CAST(j.worker AS text), j.claim_token
""")

_END = f"""
{INTO_RESULTS}, error)
SELECT {kept()}, 'revoked', clock_timestamp(), crashes, why FROM gone
RETURNING id
"""

END_WAITING = Statement(f"""
WITH gone AS (
    DELETE FROM sqlqueue_jobs j
     WHERE j.id = ANY (ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) AND j.revoked
       AND j.state <> 'running'
    RETURNING j.*, CAST(:reason AS text) AS why
)
{INTO_RESULTS}, error, result)
SELECT {kept()}, 'revoked', clock_timestamp(), crashes, why, CASE WHEN state = 'blocked' THEN {waited("gone")} END
  FROM gone
RETURNING id
""")

# What a settlement would have sent back to wait: after a revocation there is no other try.
END_REVOKED = Statement(
    """
WITH held AS (
    SELECT r.ctid, coalesce('revoked while it ran: ' || x.error, 'revoked') AS why
      FROM json_to_recordset(CAST(:doc AS json)) AS x(id text, token bigint, error text)
     CROSS JOIN LATERAL (
           SELECT r.ctid FROM sqlqueue_jobs r
            WHERE r.id = x.id
              AND r.state = 'running' AND r.claim_token = x.token AND r.worker = CAST(:worker AS uuid) AND r.revoked
              FOR UPDATE SKIP LOCKED) AS r
), gone AS (
    DELETE FROM sqlqueue_jobs j USING held h WHERE j.ctid = h.ctid
    RETURNING j.*, h.why
)"""
    + _END
)

RESCUE_REVOKED = Statement(
    f"""
WITH gone AS (
    DELETE FROM sqlqueue_jobs j
     WHERE j.id = ANY ({held("r.revoked")})
    RETURNING j.*, 'revoked while it ran: ' || CAST(:reason AS text) AS why
)"""
    + _END
)

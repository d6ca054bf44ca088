"""SQLite: revoking, and ending the jobs that were revoked while they ran."""

from __future__ import annotations

from sqlqueue.store.operation import Statement
from sqlqueue.store.sql.columns import INTO_RESULTS, kept
from sqlqueue.store.sql.sqlite_moments import statement
from sqlqueue.store.sql.sqlite_redrive import waited
from sqlqueue.store.sql.sqlite_which import MATCHES

MARK_REVOKED = Statement("""
UPDATE sqlqueue_jobs SET revoked = 1 WHERE id IN (SELECT value FROM json_each(:ids))
RETURNING id, state, worker, claim_token
""")

MARK_REVOKED_WHERE = Statement(f"""
UPDATE sqlqueue_jobs SET revoked = 1
 WHERE id IN (SELECT r.id FROM sqlqueue_jobs r WHERE NOT r.revoked AND {MATCHES} ORDER BY r.id LIMIT :at_most)
RETURNING id, state, worker, claim_token
""")

END_WAITING = statement(f"""
{INTO_RESULTS}, error, result)
SELECT {kept()}, 'revoked', <now>, crashes, :reason, CASE WHEN state = 'blocked' THEN {waited("sqlqueue_jobs")} END
  FROM sqlqueue_jobs WHERE id IN (SELECT value FROM json_each(:ids)) AND revoked AND state <> 'running'
RETURNING id
""")

DROP_WAITING = Statement("""
DELETE FROM sqlqueue_jobs WHERE id IN (SELECT value FROM json_each(:ids)) AND revoked AND state <> 'running'
""")

# What a settlement would have sent back to wait: after a revocation there is no other try.
END_REVOKED = statement(f"""
{INTO_RESULTS}, error)
SELECT {kept("j")}, 'revoked', <now>, j.crashes,
       coalesce('revoked while it ran: ' || json_extract(x.value, '$.error'), 'revoked')
  FROM json_each(:doc) x JOIN sqlqueue_jobs j ON j.id = json_extract(x.value, '$.id')
 WHERE j.state = 'running' AND j.claim_token = json_extract(x.value, '$.token') AND j.worker = :worker AND j.revoked
    ON CONFLICT (id) DO NOTHING
RETURNING id
""")

RESCUE_REVOKED = statement(f"""
{INTO_RESULTS}, error)
SELECT {kept()}, 'revoked', <now>, crashes, 'revoked while it ran: ' || :reason
  FROM sqlqueue_jobs
 WHERE seq IS NOT NULL AND state = 'running' AND worker = :worker AND revoked
RETURNING id
""")

# The second half of both: what the results hold under the same claim is no longer a job.
DROP_REVOKED = Statement("""
DELETE FROM sqlqueue_jobs
 WHERE id IN (SELECT json_extract(value, '$.id') FROM json_each(:doc)) AND state = 'running' AND worker = :worker
   AND revoked AND claim_token = (SELECT r.claim_token FROM sqlqueue_results r WHERE r.id = sqlqueue_jobs.id)
""")

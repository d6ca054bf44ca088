"""PostgreSQL: the time of a test, moved on by moving back what the rows say."""

from __future__ import annotations

from sqlqueue.store.operation import Statement

_BY = "CAST(:seconds AS double precision) * interval '1 second'"

DATABASE_CLOCK = Statement("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")

SHIFT_JOBS = Statement(f"""
UPDATE sqlqueue_jobs
   SET created_at = created_at - {_BY}, run_at = run_at - {_BY}, expires_at = expires_at - {_BY}
""")

SHIFT_WINDOWS = Statement(f"UPDATE sqlqueue_windows SET until = until - {_BY}")

SHIFT_SLOTS = Statement(f"UPDATE sqlqueue_slots SET granted_at = granted_at - {_BY}, until = until - {_BY}")

NOTED_MOMENTS = Statement("""
SELECT id, CAST(options AS text) FROM sqlqueue_jobs
 WHERE state = 'blocked' AND CAST(options AS text) LIKE '%"eta":%'
""")

NOTE_MOMENT = Statement("UPDATE sqlqueue_jobs SET options = CAST(:options AS json) WHERE id = :id")

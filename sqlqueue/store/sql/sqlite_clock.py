"""SQLite: the time of a test, moved on by moving back what the rows say."""

from __future__ import annotations

from sqlqueue.store.operation import Statement


def _back(column: str) -> str:
    """Return the assignment that moves a moment back; of its text, SQLite reads milliseconds."""
    moment = f"substr({column}, 1, 23), printf('%+.3f seconds', -:seconds)"
    return f"{column} = strftime('%Y-%m-%d %H:%M:%f000+00:00', {moment})"


DATABASE_CLOCK = Statement("SELECT (julianday('now') - 2440587.5) * 86400.0")

SHIFT_JOBS = Statement(f"UPDATE sqlqueue_jobs SET {_back('created_at')}, {_back('run_at')}, {_back('expires_at')}")

SHIFT_WINDOWS = Statement(f"UPDATE sqlqueue_windows SET {_back('until')}")

SHIFT_SLOTS = Statement(f"UPDATE sqlqueue_slots SET {_back('granted_at')}, {_back('until')}")

NOTED_MOMENTS = Statement("""
SELECT id, options FROM sqlqueue_jobs WHERE state = 'blocked' AND options LIKE '%"eta":%'
""")

NOTE_MOMENT = Statement("UPDATE sqlqueue_jobs SET options = :options WHERE id = :id")

"""What is known of jobs with keys, read from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.store.operation import Statement, ask

if TYPE_CHECKING:
    from sqlqueue import SQLQueue
    from sqlqueue.store.operation import Op


def waiting(app: SQLQueue) -> list[tuple[Any, ...]]:
    """Return the keys and the arguments of the jobs that are there, in order."""
    return app.store.read(_waiting)


def _waiting(_: object) -> Op[list[tuple[Any, ...]]]:
    rows = yield from ask(
        Statement("SELECT unique_key, CAST(args AS text) FROM sqlqueue_jobs ORDER BY seq, run_at, unique_key")
    )
    return [tuple(row) for row in rows]

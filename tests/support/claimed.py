"""A claimed job without a database, for the tests of pure rooms and of pools."""

from typing import Any

from sqlqueue.domain.job import Job

PLAIN = Job(
    id="a", seq=1, queue="q", priority=0, task="t", args="[]", kwargs="{}", headers=None, options=None, parent_id=None,
    root_id=None, group_id=None, attempt=1, retries=0, crashes=0, max_crashes=3, acks_late=True, expired=False, token=1,
)  # fmt: skip


def claimed(**values: Any) -> Job:
    """Return a job as a worker holds it."""
    return PLAIN._replace(**values)

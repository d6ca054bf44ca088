"""Put a workflow in the place of a running job, which becomes its last one and keeps its id."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.job import NewJob
from sqlqueue.domain.workflow import Edge
from sqlqueue.store.operation import ask
from sqlqueue.store.ops.enqueue import enqueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.settlement import Become
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op
    from sqlqueue.store.rows import Placed

FIELDS = ("id", "task", "queue", "priority", "args", "kwargs", "headers", "options", "limits")
MOMENTS = ("run_at", "expires_at")


class Changed(NamedTuple):
    """The jobs that were put in the place of others, and the new ones that may run."""

    ids: list[str]
    placed: list[Placed]


def become(dialect: Dialect, worker: str, changes: Sequence[tuple[Become, int]]) -> Op[Changed]:
    """Change jobs that ``worker`` holds, each under its claim token; they are blocked until they are released."""
    ids: list[str] = []
    placed: list[Placed] = []
    for change, token in changes:
        jobs, edges = read_workflow(change.workflow)
        (last,) = [job for job in jobs if job.id == change.id]
        doc = {name: getattr(last, name) for name in FIELDS}
        rows = yield from ask(dialect.sql.become, doc=json.dumps(doc), token=token, worker=worker)
        if not rows:
            continue  # not ours any more, or locked by somebody: sent again
        ids.append(change.id)
        others = [job for job in jobs if job.id != change.id]
        if others:
            placed += yield from enqueue(dialect, others, None, edges)
        own = [edge for edge in edges if edge.dependent == change.id]
        if own:
            yield from ask(dialect.sql.connect, edges=json.dumps(own))
    return Changed(ids, placed)


def read_workflow(workflow: str) -> tuple[list[NewJob], list[Edge]]:
    """Read a workflow's rows and edges from JSON text."""
    found = json.loads(workflow)
    jobs = []
    for values in found["jobs"]:
        moments = {name: datetime.fromisoformat(values[name]) for name in MOMENTS if values[name]}
        jobs.append(NewJob(**{**values, **moments}))
    return jobs, [Edge(*edge) for edge in found["edges"]]

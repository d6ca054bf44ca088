"""Broadcast queues: each of their jobs is done by every worker that serves them. Pure.

Who claims a job from such a queue puts a copy of it into the own queue of each of these workers, and the job itself
becomes one that waits for the copies and ends with what they returned. See docs/adr/0019.

Next room: ``worker.broadcasts``, which does so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.domain.job import NewJob
from sqlqueue.domain.workflow import Edge, Takes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlqueue.domain.job import Job

COPY = "broadcast"
"""Where a copy says, among its options, which queue it came from."""

_OF_THE_ROW = frozenset({"feeds", "begins", "stands", "inner", "takes", "delay", "expires", "eta", COPY})
"""Notes among a job's options that say how its row waits, not how it is to be run."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A queue whose jobs are done by every worker that serves it, once by each: for the setting ``task_queues``.

    Parameters
    ----------
    name: the queue's name.
    """

    name: str


def is_broadcast(queue: object) -> bool:
    """Whether what ``task_queues`` lists is a broadcast queue: ours, or Celery's of the same name."""
    return any(kind.__name__ == Broadcast.__name__ for kind in type(queue).__mro__)


def own_queue(queue: str, worker: str) -> str:
    """Return the queue in which the worker of that name finds its copies of the jobs of a broadcast queue."""
    return f"{queue}@{worker}"


class Spread(NamedTuple):
    """What a job becomes: its row, which waits for the copies, the copies, and the edges from these to it."""

    last: NewJob
    copies: list[NewJob]
    edges: list[Edge]


def spread(job: Job, queues: Sequence[str], limits: str | None, join: str, new_id: Callable[[], str]) -> Spread:
    """Lay out the copies of a claimed job.

    Parameters
    ----------
    queues: where each of the copies goes.
    limits: the limits of the whole fleet that each is under, see `quota.write_limits`.
    join: name of the task that gathers results.
    """
    options = {name: value for name, value in _notes(job).items() if name not in _OF_THE_ROW}
    of_copies = _compact({**options, COPY: job.queue, "feeds": True})
    copy = NewJob(
        id="", task=job.task, queue="", args=job.args, kwargs=job.kwargs, priority=job.priority,
        acks_late=job.acks_late, max_crashes=job.max_crashes, parent_id=job.id, root_id=job.root_id or job.id,
        group_id=job.id, expires_at=_expiry(job), headers=job.headers, options=of_copies, limits=limits,
    )  # fmt: skip
    copies = [copy._replace(id=new_id(), queue=queue) for queue in queues]
    kept = {name: value for name, value in _notes(job).items() if name in ("ignore_result", "feeds")}
    last = NewJob(
        id=job.id, task=join, queue=job.queue, priority=job.priority, headers=job.headers, blocked=True,
        options=_compact({**kept, "takes": str(Takes.LIST)}),
    )  # fmt: skip
    return Spread(last, copies, [Edge(job.id, place, one.id) for place, one in enumerate(copies)])


def abandoned(rows: Iterable[tuple[str, Sequence[str], bool]]) -> list[str]:
    """Return the own queues of workers that are gone, where copies may wait for nobody.

    Parameters
    ----------
    rows: of each worker its name, the queues that it served, and whether it may still come for them.
    """
    mine = [([queue for queue in queues if queue.endswith(own_queue("", name))], here) for name, queues, here in rows]
    there = {queue for queues, here in mine if here for queue in queues}
    return sorted({queue for queues, here in mine if not here for queue in queues} - there)


def _compact(options: dict[str, Any]) -> str:
    return json.dumps(options, separators=(",", ":"))  # as `workflow.feeds` looks for it


def _notes(job: Job) -> dict[str, Any]:
    found = json.loads(job.options) if job.options else {}
    return found if isinstance(found, dict) else {}


def _expiry(job: Job) -> datetime | None:
    found = json.loads(job.moments).get("expires") if job.moments else None
    return datetime.fromisoformat(found) if found else None

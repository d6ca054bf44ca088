"""A workflow run here and now, one job after the other: ``task_always_eager``, and ``signature.apply()``.

What each job is given by those before it, and what becomes of it when one of them has failed, is as in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.canvas.plan import One
from sqlqueue.client.group import GroupResult
from sqlqueue.client.workflow import jobs_of
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.outcome import Failed
from sqlqueue.domain.workflow import Takes
from sqlqueue.errors import ChordError
from sqlqueue.serialization.failures import describe
from sqlqueue.serialization.json import decode, encode
from sqlqueue.tasks.context import ancestry
from sqlqueue.tasks.eager_result import EagerResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.canvas.plan import Handle, Plan, Row
    from sqlqueue.client.request import Defaults
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob

    Run = Callable[[NewJob], EagerResult[Any]]


def rehearse(plan: Plan, config: Config, defaults_of: Callable[[str], Defaults], run: Run, asker: Any) -> Any:
    """Run every job of a plan that is to be run, and return a handle on what it ends in.

    Parameters
    ----------
    run: runs one job.
    asker: stands for the client in handles on groups.
    """
    over: dict[str, EagerResult[Any]] = {}
    jobs = jobs_of(plan, config, defaults_of, ancestry())
    for row, job in zip(plan.rows, jobs, strict=True):  # parents come before those that wait for them
        parents = [edge.parent for edge in sorted(plan.edges, key=_position) if edge.dependent == row.id]
        found = _one(row, job, [over[parent] for parent in parents if parent in over], run)
        if found is not None:
            over[row.id] = found
    return None if plan.handle is None else _handle(plan.handle, over, asker)


def _position(edge: Any) -> int:
    position: int = edge.position
    return position


def _one(row: Row, job: NewJob, parents: Sequence[EagerResult[Any]], run: Run) -> EagerResult[Any] | None:
    """Run one job, or let it fail as those that it waits for have; None for an errback that is not needed."""
    failed = next((one for one in parents if one.failed()), None)
    if row.takes in (Takes.FAILURE, Takes.FAILED):
        if failed is None:
            return None
        return run(job if row.takes is Takes.FAILED else _given(job, failed.id))
    if failed is not None:
        error = failed.result
        if row.takes in (Takes.LIST, Takes.ALL):
            error = ChordError(f"Dependency {failed.id} raised {failed.result!r}")
        return EagerResult(job, Failed(describe(error), 0.0), error, 0, SYSTEM_CLOCK.now())
    match row.takes:
        case Takes.VALUE | Takes.JOINED:
            return run(_given(job, parents[0].result))
        case Takes.LIST:
            return run(_given(job, [one.result for one in parents]))
    return run(job)


def _given(job: NewJob, value: Any) -> NewJob:
    return job._replace(args=encode([value, *decode(job.args)], "args"))


def _handle(handle: Handle, over: dict[str, EagerResult[Any]], asker: Any) -> Any:
    if isinstance(handle, One):
        return over[handle.id]
    return GroupResult(handle.id, [_handle(one, over, asker) for one in handle.members], asker)

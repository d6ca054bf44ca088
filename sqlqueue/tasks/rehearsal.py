"""A workflow run here and now, one job after the other: ``task_always_eager``, and ``signature.apply()``.

What each job is given by those before it is worked out here; what becomes of it when one of them has failed is judged
by the same rule as in the database: ``domain.workflow``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.canvas.plan import One
from sqlqueue.client.contents import Contents
from sqlqueue.client.group import GroupResult
from sqlqueue.client.workflow import jobs_of
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.outcome import Failed, Failure, Revoked
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import DROPPED, Culprit, Doom, Go, Takes, Waiter, judge
from sqlqueue.errors import TaskRevoked
from sqlqueue.serialization.failures import describe, restore
from sqlqueue.tasks.context import ancestry
from sqlqueue.tasks.eager_result import EagerResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.canvas.plan import Handle, Plan, Row
    from sqlqueue.client.request import Defaults
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.serialization.encoded import Write

    Run = Callable[[NewJob], EagerResult[Any]]


class _Ended(NamedTuple):
    """A job that is over: what those that wait for it are told, and the handle; None for one that was not needed."""

    id: str
    outcome: str
    handle: EagerResult[Any] | None = None
    failure: Failure = Failure("")


def rehearse(plan: Plan, config: Config, defaults_of: Callable[[str], Defaults], run: Run, asker: Any) -> Any:
    """Run every job of a plan that is to be run, and return a handle on what it ends in.

    Parameters
    ----------
    run: runs one job.
    asker: stands for the client in handles on groups.
    """
    over: dict[str, _Ended] = {}
    write = Contents(config).write_result()
    parents: defaultdict[str, list[str]] = defaultdict(list)
    for edge in sorted(plan.edges, key=lambda edge: edge.position):
        parents[edge.dependent].append(edge.parent)
    jobs = jobs_of(plan, config, defaults_of, ancestry())
    for row, job in zip(plan.rows, jobs, strict=True):  # parents come before those that wait for them
        over[row.id] = _one(row, job, [over[parent] for parent in parents[row.id]], run, write)
    return None if plan.handle is None else _handle(plan.handle, over, asker)


def _one(row: Row, job: NewJob, parents: Sequence[_Ended], run: Run, write: Write) -> _Ended:
    """Run one job, or let it end unrun as those that it waits for make it."""
    if row.takes is None:
        return _ended(run(job))
    culprit = next((one for one in parents if one.outcome != State.SUCCEEDED), None)
    said = _said_of(culprit) if culprit else None
    match judge(Waiter(job.id, row.takes, open=False, args=job.args, options=job.options or "{}", culprit=said)):
        case Go(_, args, options):
            given = job if args is not None or culprit else _given(row, job, parents, write)
            return _ended(run(given._replace(args=args or given.args, options=options or given.options)))
        case Doom(_, state, outcome, failure):
            if state is State.REVOKED:
                result = _unrun(job, Revoked(failure.error), TaskRevoked(f"job {job.id} was revoked: {failure.error}"))
            elif culprit and culprit.handle and failure.exception == culprit.failure.exception:
                result = _unrun(job, Failed(failure, 0.0), culprit.handle.result)
            else:
                result = _unrun(job, Failed(failure, 0.0), restore(failure.exception, failure.error))
            return _Ended(job.id, outcome, result, failure)
    return _Ended(job.id, DROPPED)


def _unrun(job: NewJob, outcome: Outcome, error: BaseException) -> EagerResult[Any]:
    return EagerResult(job, outcome, error, 0, SYSTEM_CLOCK.now())


def _ended(result: EagerResult[Any]) -> _Ended:
    if result.successful():
        return _Ended(result.id, State.SUCCEEDED, result)
    if result.state == "REVOKED":
        return _Ended(result.id, State.REVOKED, result, Failure(str(result.result)))
    return _Ended(result.id, State.FAILED, result, describe(result.result))


def _said_of(ended: _Ended) -> Culprit:
    """Return what the database would know of a job that did not succeed."""
    one, failure = ended.handle, ended.failure
    if one is None:
        return Culprit(ended.id, ended.outcome)
    return Culprit(ended.id, ended.outcome, one.name, one.new.args, one.new.kwargs, None, *failure[:2], one.traceback)


def _given(row: Row, job: NewJob, parents: Sequence[_Ended], write: Write) -> NewJob:
    """Return a job with the results of those that it waits for among its arguments, as far as it takes them."""
    values = [write(one.handle.result, "a result") for one in parents if one.handle is not None]
    match row.takes:
        case Takes.VALUE | Takes.JOINED:
            return _after(values[0], job)
        case Takes.LIST:
            return _after(f"[{','.join(values)}]", job)
    return job


def _after(value: str, job: NewJob) -> NewJob:
    """Return a job with one more argument, JSON text, before its own."""
    return job._replace(args=f"[{value}]" if job.args == "[]" else f"[{value},{job.args[1:]}")


def _handle(handle: Handle, over: dict[str, _Ended], asker: Any) -> Any:
    if isinstance(handle, One):
        return over[handle.id].handle
    return GroupResult(handle.id, [_handle(one, over, asker) for one in handle.members], asker)

"""A workflow run here and now, one job after the other: ``task_always_eager``, and ``signature.apply()``.

What each job is given by those before it is worked out here; what becomes of it when one of them has failed is judged
by the same rule as in the database: ``domain.workflow``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlqueue.canvas.plan import One
from sqlqueue.client.started import Handles
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.outcome import Failed, Failure, Replaced, Revoked
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import DROPPED, Culprit, Doom, Go, Takes, Waiter, judge
from sqlqueue.errors import TaskRevoked
from sqlqueue.serialization.failures import restore
from sqlqueue.store.ops.become import FIELDS, read_workflow
from sqlqueue.tasks.eager_result import EagerResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.canvas.plan import Handle
    from sqlqueue.client.contents import Contents
    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.domain.workflow import Edge

    Run = Callable[[NewJob, "Rehearsal"], EagerResult[Any]]


class _Ended(NamedTuple):
    """A job that is over: what those that wait for it are told, and the handle; None for one that was not needed."""

    id: str
    outcome: str
    handle: EagerResult[Any] | None = None
    failure: Failure = Failure("")


class Rehearsal:
    """Runs jobs here and now that wait for each other.

    Parameters
    ----------
    run: runs one job on this stage.
    outer: the stage of the job in whose place these stand.
    """

    def __init__(self, run: Run, contents: Contents, outer: Rehearsal | None = None) -> None:
        self.contents = contents
        self._run = run
        self._outer = outer
        self._write = contents.write_result()
        self._over: dict[str, _Ended] = {}
        self._parents: defaultdict[str, list[str]] = defaultdict(list)
        self._bodies: set[str] = set()

    def play(self, jobs: Sequence[NewJob], edges: Sequence[Edge]) -> Self:
        """Run every job that is to be run; parents come before those that wait for them."""
        for edge in sorted(edges, key=lambda edge: edge.position):
            self._parents[edge.dependent].append(edge.parent)
        self._bodies |= {job.id for job in jobs if _takes(job) in (Takes.LIST, Takes.ALL) and job.id in self._parents}
        for job in jobs:
            self._over[job.id] = ended = self._one(job)
            if ended.handle is not None and (before := self._over.get(job.parent_id or "")) is not None:
                ended.handle.before = before.handle
            self._bodies.discard(job.id)
        return self

    def to_the_end(self, result: EagerResult[Any]) -> EagerResult[Any]:
        """Run what a job is replaced with, if it is; the last of that is the job itself, under its own id."""
        while isinstance(result.outcome, Replaced):
            job = result.new
            jobs, edges = read_workflow(result.outcome.workflow)
            jobs = [_become(job, one) if one.id == job.id else one for one in jobs]
            if len(jobs) == 1:
                result = self._run(jobs[0], self)
            else:
                result = Rehearsal(self._run, self.contents, self).play(jobs, edges).handle(One(job.id), None)
        return result

    def of_member(self, member: str) -> Rehearsal | None:
        """Return the stage on which a body waits for a job, this one or one around it."""
        if self._bodies_of(member):
            return self
        return None if self._outer is None else self._outer.of_member(member)

    def attach(
        self, member: str, added: str, jobs: Sequence[NewJob], edges: Sequence[Edge]
    ) -> EagerResult[Any] | None:  # fmt: skip
        """Run more jobs, and let what waits for ``member`` be given the result of ``added``, one of them, too."""
        for body in self._bodies_of(member):
            self._parents[body].append(added)
        self.play(jobs, edges)
        return self._over[added].handle

    def handle(self, handle: Handle | None, asker: Any) -> Any:
        """Return a handle on what has been run; ``asker`` stands for the client in those on groups."""
        return None if handle is None else Handles(asker, self._handle_of).of(handle)

    def _handle_of(self, job_id: str, before: Any) -> EagerResult[Any] | None:
        found = self._over[job_id].handle
        if found is not None and before is not None:  # a member of a group has only what the job itself says
            found.before = before
        return found

    def _bodies_of(self, member: str) -> list[str]:
        return [body for body in self._bodies if member in self._parents[body]]

    def _one(self, job: NewJob) -> _Ended:
        """Run one job, or let it end unrun as those that it waits for make it."""
        takes, parents = _takes(job), [self._over[parent] for parent in self._parents[job.id]]
        if takes is None:
            return _ended(self.to_the_end(self._run(job, self)))
        culprit = next((one for one in parents if one.outcome != State.SUCCEEDED), None)
        said = _said_of(culprit) if culprit else None
        match judge(Waiter(job.id, takes, open=False, args=job.args, options=job.options or "{}", culprit=said)):
            case Go(_, args, options):
                given = job if args is not None or culprit else self._given(job, takes, parents)
                given = given._replace(args=args or given.args, options=options or given.options)
                return _ended(self.to_the_end(self._run(given, self)))
            case Doom() as doom:
                return _doomed(job, doom, culprit)
        return _Ended(job.id, DROPPED)

    def _given(self, job: NewJob, takes: str, parents: Sequence[_Ended]) -> NewJob:
        """Return a job with the results of those that it waits for among its arguments, as far as it takes them."""
        values = [self._write(one.handle.result, "a result") for one in parents if one.handle is not None]
        match takes:
            case Takes.VALUE | Takes.JOINED:
                return _after(values[0], job)
            case Takes.LIST:
                return _after(f"[{','.join(values)}]", job)
        return job


def _takes(job: NewJob) -> str | None:
    """Return what a job is given by those that it waits for; None when it waits for none."""
    if job.options is None:
        return None
    found: str | None = json.loads(job.options).get("takes")
    return found


def _become(job: NewJob, last: NewJob) -> NewJob:
    """Return a job as the last one of what it is replaced with."""
    changes = {name: getattr(last, name) for name in FIELDS} | {"headers": last.headers or job.headers}
    return job._replace(**changes)


def _doomed(job: NewJob, doom: Doom, culprit: _Ended | None) -> _Ended:
    """Return the end of a job that will never run."""
    failure = doom.failure
    if doom.state is State.REVOKED:
        result = _unrun(job, Revoked(failure.error), TaskRevoked(f"job {job.id} was revoked: {failure.error}"))
    elif culprit and culprit.handle and failure.exception == culprit.failure.exception:
        result = _unrun(job, Failed(failure, 0.0), culprit.handle.result)
    else:
        result = _unrun(job, Failed(failure, 0.0), restore(failure.exception, failure.error))
    result.told = doom.outcome
    return _ended(result)


def _unrun(job: NewJob, outcome: Outcome, error: BaseException) -> EagerResult[Any]:
    return EagerResult(job, outcome, error, 0, SYSTEM_CLOCK.now())


def _ended(result: EagerResult[Any]) -> _Ended:
    match result.outcome:
        case Failed(failure):
            return _Ended(result.id, result.told or State.FAILED, result, failure)
        case Revoked(reason):
            return _Ended(result.id, result.told or State.REVOKED, result, Failure(reason))
    return _Ended(result.id, State.SUCCEEDED, result)


def _said_of(ended: _Ended) -> Culprit:
    """Return what the database would know of a job that did not succeed."""
    one, failure = ended.handle, ended.failure
    if one is None:
        return Culprit(ended.id, ended.outcome)
    stands = json.loads(one.new.options or "{}").get("stands")
    told = (one.name, one.new.args, one.new.kwargs, None, *failure[:2], one.traceback, stands)
    return Culprit(ended.id, ended.outcome, *told)


def _after(value: str, job: NewJob) -> NewJob:
    """Return a job with one more argument, JSON text, before its own."""
    return job._replace(args=f"[{value}]" if job.args == "[]" else f"[{value},{job.args[1:]}")

"""Tasks run here and now, for tests: ``task.apply()`` and the setting ``task_always_eager``.

Arguments and result go through the same encoding as on their way to a worker; a retry follows at once.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from sqlqueue.client.building import Building, Here, Surroundings
from sqlqueue.client.request import build
from sqlqueue.client.workflow import descended, in_header, replacing
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.job import Job, NewJob
from sqlqueue.domain.outcome import Failed, Outcome, Replaced, Retried, Revoked, Succeeded
from sqlqueue.errors import AlwaysEagerIgnored, EncodingError, Ignore, NotRegistered, Reject, Retry, TaskRevoked
from sqlqueue.serialization.failures import describe, restore
from sqlqueue.serialization.json import decode
from sqlqueue.serialization.sizes import RESULT_SIZE, of_task
from sqlqueue.signals import RUNS
from sqlqueue.tasks import around
from sqlqueue.tasks.context import Context, ancestry, current_job
from sqlqueue.tasks.eager_result import EagerResult
from sqlqueue.tasks.errbacks import ERRBACK, errback_arguments
from sqlqueue.tasks.hooks import call, tell
from sqlqueue.tasks.rehearsal import Rehearsal
from sqlqueue.tasks.replacement import Replacement
from sqlqueue.tasks.telling import ended_as

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from sqlqueue.canvas.plan import Plan
    from sqlqueue.client.contents import Contents
    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.config import Config
    from sqlqueue.serialization.encoded import Write
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.tasks.task import Task


class EagerSender(Here):
    """Stands in for the client while ``task_always_eager`` is on."""

    def __init__(self, tasks: Registry, config: Config) -> None:
        self._tasks = tasks
        self.config = config
        self.contents = tasks.contents
        self._building = Building(config, Surroundings(ancestry, self._defaults_of))

    @property
    def here(self) -> Here:
        """It runs tasks here and now itself."""
        return self

    def send(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults
    ) -> EagerResult[Any]:
        """Run the task instead of sending it."""
        result = self.run(build(task, args, kwargs, options, defaults, self.config), self._tasks.get(task))
        if self.config.task_eager_propagates:
            result.get()
        return result

    async def asend(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults
    ) -> EagerResult[Any]:
        """The same on a helper thread, where an ``async def`` task may have a loop of its own."""
        return await asyncio.to_thread(self.send, task, args, kwargs, options, defaults)

    def run(self, job: NewJob, task: Task[..., Any, Any] | None) -> EagerResult[Any]:
        """Run the job of a call."""
        stage = self._stage()
        return stage.to_the_end(run(task, descended(job, ancestry()), stage))

    def start(self, plan: Plan, options: CallOptions) -> Any:
        """Run a workflow, one job after the other."""
        return self.rehearse(plan, options)

    def rehearse(self, plan: Plan, options: CallOptions) -> Any:  # noqa: ARG002 - whose transaction: nothing is sent
        """The same."""
        jobs = self._building.of_plan(plan)
        result = self._stage().play(jobs, plan.edges).handle(plan.handle, self)
        if self.config.task_eager_propagates and result is not None:
            result.get()
        return result

    def replacement(self, plan: Plan, job_id: str) -> str:
        """Return a workflow as text, to be put in the place of the job that runs here, which becomes its last."""
        return replacing(self._building.of_plan(plan, alone=False), plan.edges, job_id)

    def attach(self, plan: Plan, member: str, group: str | None) -> EagerResult[Any] | None:
        """Run a workflow at once, as one more member of the header that a running job is in; None when it is in none.

        What becomes of it is for the body, which waits for it too.
        """
        context = current_job.get()
        stage = context.stage.of_member(member) if isinstance(context, EagerContext) else None
        if stage is None or plan.handle is None:
            return None
        ends_in = plan.handle.id
        jobs = self._building.of_plan(plan, alone=False)
        jobs = [in_header(job, group) if job.id == ends_in else job for job in jobs]
        return stage.attach(member, ends_in, jobs, plan.edges)

    async def astart(self, plan: Plan, options: CallOptions) -> Any:
        """The same on a helper thread."""
        return await asyncio.to_thread(self.start, plan, options)

    def task_of(self, name: str, /) -> Task[..., Any, Any]:
        """Return the task of that name, to be called here and now."""
        return self._tasks[name]

    def refuse_to_wait(self) -> None:
        """Nobody waits: all is over."""

    def _stage(self) -> Rehearsal:
        return Rehearsal(lambda job, stage: run(self._tasks.get(job.task), job, stage), self.contents)

    def _defaults_of(self, name: str) -> Defaults:
        return self._tasks[name].defaults


def warn_that_it_is_sent(config: Config) -> None:
    """Tell the caller of ``send_task``, whose task need not be known here, that eager mode does not count."""
    if config.task_always_eager:
        warnings.warn(
            "task_always_eager has no effect on send_task: the job is sent; call delay() of the task to run it here",
            AlwaysEagerIgnored, stacklevel=3,
        )  # fmt: skip


class EagerContext(Context):
    """The job that runs here and now.

    Parameters
    ----------
    stage: what runs the jobs of its workflow.
    """

    __slots__ = ("stage",)

    def __init__(self, job: Job, stage: Rehearsal) -> None:
        super().__init__(job, "eager", stage.contents, eager=True)
        self.stage = stage


def run(task: Task[..., Any, Any] | None, new: NewJob, stage: Rehearsal) -> EagerResult[Any]:
    """Run the job that a call describes until it succeeds or may not be retried, or is replaced."""
    if task is None:
        raise NotRegistered(f"no task is named {new.task!r}")
    retries, contents = 0, stage.contents
    while True:
        token = current_job.set(EagerContext(_claimed(new, retries), stage))
        try:
            if RUNS.watched:
                around.begin(task)
            outcome, value = _once(task, new, retries, contents)
            if task.hooked:
                tell(task, outcome, value)
            if RUNS.watched:
                around.end(task, outcome, value)
        finally:
            current_job.reset(token)
        if not isinstance(outcome, Retried):
            return EagerResult(new, outcome, value, retries, SYSTEM_CLOCK.now())
        retries += 1
        if outcome.change is not None:
            new = _changed(new, json.loads(outcome.change))


def _changed(new: NewJob, change: dict[str, Any]) -> NewJob:
    """Return the job with what its task wants it to have at the next try."""
    texts = [name for name in ("args", "kwargs", "headers", "options") if name in change]
    changes: dict[str, Any] = {name: json.dumps(change[name]) for name in texts}
    changes |= {name: change[name] for name in ("queue", "priority") if name in change}
    return new._replace(**changes)


def _claimed(new: NewJob, retries: int) -> Job:
    return Job(
        id=new.id, seq=0, queue=new.queue, priority=new.priority, task=new.task, args=new.args, kwargs=new.kwargs,
        headers=new.headers, options=new.options, parent_id=new.parent_id, root_id=new.root_id, group_id=new.group_id,
        attempt=retries + 1, retries=retries, crashes=0, max_crashes=new.max_crashes, acks_late=new.acks_late,
        expired=False, token=0,
    )  # fmt: skip


def _once(task: Task[..., Any, Any], new: NewJob, retries: int, contents: Contents) -> tuple[Outcome, Any]:
    """Run the task once; return what came of it, and what it returned or raised."""
    try:
        write = contents.write_result()
        args, kwargs = decode(new.args, contents.argument), decode(new.kwargs, contents.argument)
        if new.options is not None and ERRBACK in new.options:
            args = errback_arguments(task, new.options, args, kwargs, contents)
        value = call(task, args, kwargs)
        if task.is_async:
            value = _awaited(value)
        current_job.get().insist()
        text = _written(write, value, task)
        return Succeeded(text, 0.0), decode(text, contents.result)
    except Ignore:
        outcome = ended_as(current_job.get().told, lambda meta: _written(write, meta, task), 0.0)
        if isinstance(outcome, Revoked):
            return outcome, TaskRevoked(f"job {new.id} was revoked: {outcome.reason}")
        if isinstance(outcome, Failed):
            return outcome, restore(outcome.failure.exception, outcome.failure.error)
        kept = outcome.result if isinstance(outcome, Succeeded) else None
        return outcome, None if kept is None else decode(kept, contents.result)
    except Replacement as error:
        return Replaced(error.workflow, 0.0), error
    except Retry as error:
        return Retried(0.0, describe(error.exc or error), 0.0, error.change), error
    except Exception as error:  # noqa: BLE001 - what a task raises is its result
        settings = task.settings
        asked = current_job.get().again
        if asked is not None and not isinstance(error, Reject):
            return Retried(0.0, describe(error), 0.0, asked.change), error
        again = isinstance(error, settings.autoretry_for) and not isinstance(error, settings.dont_autoretry_for)
        left = settings.max_retries is None or retries < settings.max_retries
        if again and left and not isinstance(error, EncodingError | Reject):
            return Retried(0.0, describe(error), 0.0), error
        return Failed(describe(error), 0.0), error


def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; where a loop runs already, in a thread that has a loop of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(copy_context().run, asyncio.run, coroutine).result()


def _written(write: Write, value: Any, task: Task[..., Any, Any]) -> str:
    try:
        return write(value, "the task's result")
    except EncodingError as error:
        raise of_task(error, task.name, RESULT_SIZE) from None

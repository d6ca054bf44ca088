"""Tasks run here and now, for tests: ``task.apply()`` and the setting ``task_always_eager``.

Arguments and result go through the same encoding as on their way to a worker; a retry follows at once.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sqlqueue.client.building import Here
from sqlqueue.client.request import build
from sqlqueue.client.workflow import descended
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.job import Job, NewJob
from sqlqueue.domain.outcome import Failed, Outcome, Retried, Revoked, Succeeded
from sqlqueue.errors import EncodingError, Ignore, NotRegistered, Reject, Retry, TaskRevoked
from sqlqueue.serialization.failures import describe, restore
from sqlqueue.serialization.json import decode
from sqlqueue.serialization.sizes import RESULT_SIZE, of_task
from sqlqueue.signals import RUNS
from sqlqueue.tasks import around
from sqlqueue.tasks.context import Context, ancestry, current_job
from sqlqueue.tasks.eager_result import EagerResult
from sqlqueue.tasks.errbacks import ERRBACK, errback_arguments
from sqlqueue.tasks.hooks import call, tell
from sqlqueue.tasks.rehearsal import rehearse
from sqlqueue.tasks.telling import ended_as

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    def send(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults
    ) -> EagerResult[Any]:
        """Run the task instead of sending it."""
        found = self._tasks[task]
        result = run(found, build(task, args, kwargs, options, defaults, self.config), self.contents)
        if self.config.task_eager_propagates:
            result.get()
        return result

    async def asend(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults
    ) -> EagerResult[Any]:
        """The same on a helper thread, where an ``async def`` task may have a loop of its own."""
        return await asyncio.to_thread(self.send, task, args, kwargs, options, defaults)

    def start(self, plan: Plan, options: CallOptions) -> Any:  # noqa: ARG002 - whose transaction: nothing is sent
        """Run a workflow, one job after the other."""
        result = rehearse(plan, self.config, self._defaults_of, self._run, self)
        if self.config.task_eager_propagates and result is not None:
            result.get()
        return result

    rehearse = start

    async def astart(self, plan: Plan, options: CallOptions) -> Any:
        """The same on a helper thread."""
        return await asyncio.to_thread(self.start, plan, options)

    def task_of(self, name: str, /) -> Task[..., Any, Any]:
        """Return the task of that name, to be called here and now."""
        return self._tasks[name]

    def refuse_to_wait(self) -> None:
        """Nobody waits: all is over."""

    def _run(self, job: NewJob) -> EagerResult[Any]:
        return run(self._tasks[job.task], job, self.contents)

    def _defaults_of(self, name: str) -> Defaults:
        return self._tasks[name].defaults


def run(task: Task[..., Any, Any] | None, new: NewJob, contents: Contents) -> EagerResult[Any]:
    """Run the job that a call describes until it succeeds or may not be retried."""
    if task is None:
        raise NotRegistered(f"no task is named {new.task!r}")
    retries, new = 0, descended(new, ancestry())
    while True:
        token = current_job.set(Context(_claimed(new, retries), "eager", contents, eager=True))
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
            value = asyncio.run(value)
        current_job.get().insist()
        text = _written(write, value, task)
        return Succeeded(text, 0.0), decode(text, contents.result)
    except Ignore:
        outcome = ended_as(current_job.get().told, lambda meta: _written(write, meta, task), 0.0)
        if isinstance(outcome, Revoked):
            return outcome, TaskRevoked(outcome.reason)
        if isinstance(outcome, Failed):
            return outcome, restore(outcome.failure.exception, outcome.failure.error)
        kept = outcome.result if isinstance(outcome, Succeeded) else None
        return outcome, None if kept is None else decode(kept, contents.result)
    except Retry as error:
        return Retried(0.0, describe(error.cause or error), 0.0, error.change), error
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


def _written(write: Write, value: Any, task: Task[..., Any, Any]) -> str:
    try:
        return write(value, "the task's result")
    except EncodingError as error:
        raise of_task(error, task.name, RESULT_SIZE) from None

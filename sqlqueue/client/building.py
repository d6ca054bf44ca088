"""From calls to jobs, given the app around them: the job that sends, and what each task says about its calls.

Next room: ``client``, which sends them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.client.many import build_many
from sqlqueue.client.request import NO_DEFAULTS, CallOptions, Defaults, build
from sqlqueue.client.unique import with_key
from sqlqueue.client.workflow import NO_ANCESTRY, Ancestry, descended, inherited, jobs_of
from sqlqueue.errors import NotRegistered
from sqlqueue.serialization.signing import signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlqueue.canvas.plan import Plan
    from sqlqueue.client.many import Call
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob


class Here:
    """Runs tasks here and now; this one has none."""

    def run(self, job: NewJob, task: Any) -> Any:
        """Run the job of a call of ``task``, and return a handle on it."""

    def rehearse(self, plan: Plan, options: CallOptions) -> Any:
        """Run a workflow and return a handle on what it ends in."""

    def replacement(self, plan: Plan, job_id: str) -> str:
        """Return a workflow as text, to be put in the place of the job that runs here, which becomes its last."""
        raise NotImplementedError

    def attach(self, plan: Plan, member: str, group: str | None) -> Any:
        """Run a workflow as one more member of the header that a running job is in; None when it is in none."""

    def task_of(self, name: str, /) -> Callable[..., Any]:
        """Return the task of that name, to be called.

        Raises
        ------
        NotRegistered: there is none.
        """
        raise NotRegistered(f"no task is named {name!r}: there are none here")


NOTHING_HERE = Here()


class Surroundings(NamedTuple):
    """What a sender is told of the app around it.

    ``ancestry`` returns the job that runs here, ``defaults_of`` what a task, by its name, says about its calls,
    ``may_wait`` whether code that runs here may wait for other jobs; ``sent`` is told of every handle.
    ``here`` runs tasks in this process.
    """

    ancestry: Callable[[], Ancestry] = lambda: NO_ANCESTRY
    defaults_of: Callable[[str], Defaults] = lambda _: NO_DEFAULTS
    may_wait: Callable[[], bool] = lambda: True
    sent: Callable[[object], object] = lambda _: None
    here: Here = NOTHING_HERE


NO_SURROUNDINGS = Surroundings()


class Building:
    """Builds the jobs of one app."""

    def __init__(self, config: Config, surroundings: Surroundings) -> None:
        self._config = config
        self._surroundings = surroundings

    def one(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults
    ) -> NewJob:
        """Return the job of one call; see `build`."""
        job = build(task, args, kwargs, options, self._inherited(defaults), self._config)
        job = with_key(job, args, kwargs, options, defaults)
        return signed(descended(job, self._surroundings.ancestry()), self._config.task_signing_keys)

    def many(self, task: str, calls: Iterable[Call], options: CallOptions, defaults: Defaults) -> list[NewJob]:
        """Return the jobs of many calls of one task; see `build_many`."""
        ancestry = self._surroundings.ancestry()
        jobs = build_many(task, calls, options, self._inherited(defaults), self._config)
        return self._signed([descended(job, ancestry) for job in jobs])

    def of_plan(self, plan: Plan, *, alone: bool = True) -> list[NewJob]:
        """Return the jobs of a workflow; of one that is to be sent ``alone``, and has one job, that may have a key."""
        ancestry = self._surroundings.ancestry()
        return self._signed(jobs_of(plan, self._config, self._defaults_of, ancestry, alone=alone))

    def _signed(self, jobs: list[NewJob]) -> list[NewJob]:
        keys = self._config.task_signing_keys
        return [signed(job, keys) for job in jobs] if keys else jobs

    def _inherited(self, defaults: Defaults) -> Defaults:
        return inherited(self._config, self._surroundings.ancestry, defaults)

    def _defaults_of(self, task: str) -> Defaults:
        return self._inherited(self._surroundings.defaults_of(task))

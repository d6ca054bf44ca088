"""Which time limits a job has: its call's, else its task's, else the worker's.

Next room: the pools, which enforce them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.limits import UNLIMITED, Limits, complaint
from sqlqueue.domain.outcome import Failed
from sqlqueue.errors import EncodingError, TimeLimitExceeded
from sqlqueue.serialization.failures import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.tasks.registry import Registry
    from sqlqueue.tasks.task import Task


SHOWN = 100
"""Characters of what cannot be read that an error shows."""


class LimitBook:
    """The limits in force in one worker.

    Parameters
    ----------
    tasks: the app's.
    worker: for tasks and calls that say nothing.
    """

    def __init__(self, tasks: Registry, worker: Limits = UNLIMITED) -> None:
        self._by_task: dict[str, Limits] = {}
        self._worker = worker
        self.least = float("inf")
        """Seconds of the shortest limit so far."""
        self.some = False
        """Whether any job has had a limit so far; False: nobody needs to look."""
        self._shorten(worker)
        self.learn(tasks[name] for name in tasks)

    def learn(self, tasks: Iterable[Task[..., Any, Any]]) -> None:
        """Take note of the limits that these tasks have."""
        for task in tasks:
            limits = Limits(task.settings.soft_time_limit, task.settings.time_limit).over(self._worker)
            if limits != UNLIMITED:
                self.set(task.name, limits)

    def set(self, task: str, limits: Limits) -> None:
        """Change the limits of a task in this worker from now on."""
        self._by_task[task] = limits
        self._shorten(limits)

    def note(self, jobs: Sequence[Job]) -> None:
        """Look whether any of these jobs brings a limit of its own; call it before they start."""
        for job in jobs:
            if job.options is not None:
                self._shorten(_own(job.options))

    def of(self, job: Job) -> Limits | None:
        """Return the limits of a job, None when it has none."""
        limits = self._by_task.get(job.task, self._worker)
        if job.options is not None:
            limits = _own(job.options).over(limits)
        return None if limits == UNLIMITED else limits

    def _shorten(self, *found: Limits) -> None:
        seconds = [value for limits in found for value in limits if value is not None]
        if seconds:
            self.least = min(self.least, *seconds)
            self.some = True


def check_options(options: str) -> None:
    """Raise EncodingError for what a call asks for that no client of ours has sent, in the job that it concerns."""
    asked = _read(options)
    if asked is None:
        raise EncodingError(f"the job's options are no JSON object: {options[:SHOWN]}")
    if (wrong := complaint(asked.get("soft_time_limit"), asked.get("time_limit"))) is not None:
        raise EncodingError(f"the job's options cannot be: {wrong}")


def _own(options: str) -> Limits:
    """Return a job's own limits; none where they cannot be, since it is the job that fails, and not who looks at it."""
    asked = _read(options) or {}
    found = Limits(asked.get("soft_time_limit"), asked.get("time_limit"))
    return UNLIMITED if complaint(*found) is not None else found


def _read(options: str) -> dict[str, Any] | None:
    try:
        asked = json.loads(options)
    except ValueError:
        return None
    return asked if isinstance(asked, dict) else None


def too_long(limit: float, runtime: float) -> Failed:
    """Return the outcome of a job that was ended because it ran longer than its hard limit."""
    return Failed(describe(TimeLimitExceeded(f"it ran longer than its time limit of {limit:g} s")), runtime)

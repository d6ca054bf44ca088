"""From a plan to rows to be, and from what it ends in to a handle on its results. Pure.

Next room: ``client``, which sends them, all in one transaction.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlqueue.canvas.plan import One
from sqlqueue.client.contents import write_arguments
from sqlqueue.client.request import build, looks_at_arguments
from sqlqueue.client.unique import has_key, with_key
from sqlqueue.domain.sizes import MOST
from sqlqueue.domain.workflow import feeds
from sqlqueue.errors import EncodingError, EnqueueError
from sqlqueue.serialization.json import encode
from sqlqueue.serialization.sizes import TASK_SIZE, of_task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.canvas.plan import Plan, Row
    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.workflow import Edge
    from sqlqueue.serialization.encoded import Write


class Ancestry(NamedTuple):
    """The job that sends: its id, the one with which all that began, and its priority; None outside a job."""

    parent: str | None = None
    root: str | None = None
    priority: int | None = None


NO_ANCESTRY = Ancestry()


def descended(job: NewJob, ancestry: Ancestry) -> NewJob:
    """Return a job with the family of the job that sends it."""
    return job._replace(parent_id=ancestry.parent, root_id=ancestry.root) if ancestry.parent else job


def inherited(config: Config, ancestry: Callable[[], Ancestry], defaults: Defaults) -> Defaults:
    """Return what a task says about its calls, and the priority of the job that sends, where that is to count."""
    if not config.task_inherit_parent_priority or defaults.priority is not None:
        return defaults
    return replace(defaults, priority=ancestry().priority)


def jobs_of(
    plan: Plan, config: Config, defaults_of: Callable[[str], Defaults], ancestry: Ancestry, *, alone: bool = True
) -> list[NewJob]:
    """Return the jobs of a plan.

    Parameters
    ----------
    defaults_of: what a task, by its name, says about its calls.
    alone: False: the plan becomes a part of another workflow.

    Raises
    ------
    EnqueueError: a job has a unique_key that others stand beside: what should wait for a job that is not sent?
    """
    root = ancestry.root or (plan.rows[0].id if len(plan.rows) > 1 else None)
    alone = alone and len(plan.rows) == 1 and isinstance(plan.handle, One)
    builder = _Builder(config, defaults_of, ancestry.parent, root, alone=alone)
    return [builder.job(row) for row in plan.rows]


class _Builder:
    """Makes jobs of rows; what a row has in common with the one before it is worked out once, as in ``many``."""

    def __init__(
        self,
        config: Config,
        defaults_of: Callable[[str], Defaults],
        parent: str | None,
        root: str | None,
        *,
        alone: bool,
    ) -> None:
        self._config = config
        self._alone = alone
        self._defaults_of = defaults_of
        self._parent = parent
        self._root = root
        self._last: tuple[Row, NewJob] | None = None
        self._write: Write = encode

    def job(self, row: Row) -> NewJob:
        """Return a row's job."""
        if self._last is not None and not row.given_id and row.is_like(self._last[0]):
            return self._again(row, self._last[1])
        options = cast("CallOptions", {**row.options, "task_id": row.id})
        defaults = self._defaults_of(row.task)
        job = build(row.task, row.args, row.kwargs, options, defaults, self._config)
        job = _waiting(row, job, Ancestry(row.parent or self._parent, self._root))
        if self._alone:
            job = with_key(job, row.args, row.kwargs, cast("CallOptions", row.options), defaults)
        elif has_key(row.options, defaults):
            raise EnqueueError(
                f"{row.task} has a unique_key, which no job of a workflow can have, since others may wait for it: send"
                " it by itself, if need be from a task of the workflow"
            )
        alone = row.given_id or looks_at_arguments(defaults, self._config)
        self._last = None if alone else (row, job)
        self._write = write_arguments(options, defaults, self._config)
        return job

    def _again(self, row: Row, like: NewJob) -> NewJob:
        write, most = self._write, self._config.task_max_size
        try:
            return like.again(row.id, write(list(row.args), "args", most), write(row.kwargs, "kwargs", most))
        except EncodingError as error:
            raise of_task(error, row.task, TASK_SIZE) from None


def _waiting(row: Row, job: NewJob, family: Ancestry) -> NewJob:
    """Return a row's job as it waits; what must pass besides its parents counts from their end: a note for then."""
    notes: dict[str, object] = {"feeds": True} if row.feeds else {}
    own: dict[str, Any] = {"parent_id": family.parent, "root_id": family.root, "group_id": row.group}
    if row.begins:
        notes["begins"] = True
    if row.takes is not None:
        notes |= {"takes": str(row.takes), "delay": job.delay, "expires": job.expires}
        notes["eta"] = _moment(job.run_at)
        own |= {"blocked": True, "delay": None, "run_at": None, "expires": None}
    if notes:
        own["options"] = _with_notes(job.options, notes)
    return job._replace(given_id=row.given_id, **own)


def replacing(jobs: Sequence[NewJob], edges: Sequence[Edge], job_id: str) -> str:
    """Return a workflow as JSON text, to be put in the place of the job of that id, which becomes its last."""
    mark = next((edge.parent for edge in edges if edge.dependent == job_id), None)
    inner = {edge.dependent for edge in edges if mark is not None and edge.parent == job_id}
    noted = [_with_note(job, "inner", mark) if job.id in inner else job for job in jobs]
    return written([in_place(job, mark) if job.id == job_id else job for job in noted], edges)


def _with_note(job: NewJob, name: str, mark: str | None) -> NewJob:
    return job._replace(options=_with_notes(job.options, {name: mark}))


def written(jobs: Sequence[NewJob], edges: Sequence[Edge]) -> str:
    """Return a workflow as JSON text: what is put in the place of a job, which becomes the last of these."""
    values = [{name: _plain(value) for name, value in job._asdict().items()} for job in jobs]
    return json.dumps({"jobs": values, "edges": edges})


def in_header(job: NewJob, group: str | None) -> NewJob:
    """Return a job as a member of a chord's header: others wait for it."""
    options = job.options if feeds(job.options) else _with_notes(job.options, {"feeds": True})
    return job._replace(options=options, group_id=group)


def in_place(job: NewJob, mark: str | None) -> NewJob:
    """Return the last job of what is put in another's place, with a note to let it go though it may wait for nobody.

    Others may wait for it, as they did for the one before.

    Parameters
    ----------
    mark: what tells this replacement from others of the same job: one that it waits for, None if it waits for none.
    """
    notes: dict[str, object] = {"feeds": True, "stands": mark}
    if not job.blocked:
        notes |= {"takes": "all", "delay": job.delay, "expires": job.expires, "eta": _moment(job.run_at)}
    kept = json.loads(job.options or "{}") | {name: value for name, value in notes.items() if value is not None}
    return job._replace(options=encode(kept, "options", MOST))


def _plain(value: object) -> object:
    return _moment(value) if isinstance(value, datetime) else value


def _moment(when: datetime | None) -> str | None:
    return f"{when:%Y-%m-%d %H:%M:%S.%f}+00:00" if when else None


def _with_notes(options: str | None, notes: dict[str, object]) -> str | None:
    """Add notes to a job's options."""
    kept = {name: value for name, value in notes.items() if value is not None}
    if not kept:
        return options
    text = encode(kept, "options")
    return text if options is None else f"{text[:-1]},{options[1:]}"

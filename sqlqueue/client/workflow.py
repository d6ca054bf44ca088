"""From a plan to rows to be, and from what it ends in to a handle on its results. Pure.

Next room: ``client``, which sends them, all in one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlqueue.client.request import build
from sqlqueue.serialization.json import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.canvas.plan import Plan, Row
    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob


class Ancestry(NamedTuple):
    """The job that sends: its id, and the one with which all that began; None outside a job."""

    parent: str | None = None
    root: str | None = None


NO_ANCESTRY = Ancestry()


def descended(job: NewJob, ancestry: Ancestry) -> NewJob:
    """Return a job with the family of the job that sends it."""
    return job._replace(parent_id=ancestry.parent, root_id=ancestry.root) if ancestry.parent else job


def jobs_of(plan: Plan, config: Config, defaults_of: Callable[[str], Defaults], ancestry: Ancestry) -> list[NewJob]:
    """Return the jobs of a plan.

    Parameters
    ----------
    defaults_of: what a task, by its name, says about its calls.
    """
    root = ancestry.root or (plan.rows[0].id if len(plan.rows) > 1 else None)
    return [
        _job(row, config, defaults_of(row.task), Ancestry(row.parent or ancestry.parent, root)) for row in plan.rows
    ]


def _job(row: Row, config: Config, defaults: Defaults, family: Ancestry) -> NewJob:
    """Return one job; what a blocked one must wait for besides its parents counts from their end: a note for then."""
    options = cast("CallOptions", {**row.options, "task_id": row.id})
    job = build(row.task, row.args, row.kwargs, options, defaults, config)
    notes: dict[str, object] = {"feeds": True} if row.feeds else {}
    own: dict[str, Any] = {"parent_id": family.parent, "root_id": family.root, "group_id": row.group}
    if row.takes is not None:
        notes |= {"takes": str(row.takes), "delay": job.delay, "expires": job.expires}
        notes["eta"] = f"{job.run_at:%Y-%m-%d %H:%M:%S.%f}+00:00" if job.run_at else None
        own |= {"blocked": True, "delay": None, "run_at": None, "expires": None}
    return job._replace(given_id=row.given_id, options=_with_notes(job.options, notes), **own)


def _with_notes(options: str | None, notes: dict[str, object]) -> str | None:
    """Add notes to a job's options."""
    kept = {name: value for name, value in notes.items() if value is not None}
    if not kept:
        return options
    text = encode(kept, "options")
    return text if options is None else f"{text[:-1]},{options[1:]}"

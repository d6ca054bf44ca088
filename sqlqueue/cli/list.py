"""``sqlqueue list``: jobs, queues, workers and tasks, as tables or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.cli.table import duration, stood, table
from sqlqueue.cli.which import filters
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.serialization.encoded import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.cli.apps import Target

STATES = [str(state) for state in State]

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, an array of objects.")


@click.group("list")
def command() -> None:
    """List jobs, queues, workers or tasks."""


def show(heads: Sequence[str], rows: Sequence[Sequence[object]], none: str, *, as_json: bool) -> None:
    """Print rows as a table for people or as JSON for programs."""
    if as_json:
        click.echo(json.dumps([dict(zip(heads, row, strict=True)) for row in rows], ensure_ascii=False, default=str))
    else:
        click.echo(table(heads, rows) if rows else none)


@command.command("jobs")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@filters
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@click.option("--before", metavar="ID", help="The page after the one that ended with this job.")
@as_json_option
@click.pass_obj
def jobs(target: Target, /, state: str | None, limit: int, before: str | None, as_json: bool, **given: Any) -> None:
    """List jobs, the newest first."""
    which = Which(state=None if state is None else State(state), **given)
    page = {} if before is None else {"before": before}
    rows = target.find_app_or_plain().jobs.find(which, limit, **page)
    if as_json:
        heads = rows[0].__slots__ if rows else ()
        show(heads, [[getattr(row, name) for name in heads] for row in rows], "", as_json=True)
        return
    lines = [(row.id, stood(row), row.queue, row.task, row.error or shown(row.args)) for row in rows]
    show(("id", "state", "queue", "task", "args or error"), lines, "no jobs", as_json=False)


@command.command("queues")
@as_json_option
@click.pass_obj
def queues(target: Target, as_json: bool) -> None:
    """List queues: what waits, since when, who serves them, and whether they are paused."""
    show_queues(target, as_json=as_json)


def show_queues(target: Target, *, as_json: bool) -> None:
    """Print every queue that has jobs, is served, or is paused."""
    app = target.find_app_or_plain()
    counts, paused, workers = app.queues.counts(), app.queues.paused(), app.queues.workers()
    names = {one.queue for one in counts} | paused.keys() | {name for worker in workers for name in worker.queues}
    rows = []
    for name in sorted(names):
        ours = [one for one in counts if one.queue == name]
        numbers = [sum(one.jobs for one in ours if one.state == state) for state in STATES[:4]]
        oldest = max((one.oldest for one in ours if one.state == State.READY), default=None)
        served = sum(name in worker.queues for worker in workers)
        waited = oldest if as_json or oldest is None else duration(oldest)
        rows.append((name, *numbers, waited, served, "paused" if name in paused else "no"))
    heads = ("queue", *STATES[:4], "oldest", "workers", "paused")
    show(heads, rows, "no queue has jobs or a worker", as_json=as_json)


@command.command("workers")
@as_json_option
@click.pass_obj
def workers(target: Target, as_json: bool) -> None:
    """List the workers that live."""
    found = target.find_app_or_plain().queues.workers()
    rows = [
        (one.name, one.pid, round(one.seen_at - one.beat_at, 1), ", ".join(one.queues))
        for one in sorted(found, key=lambda one: (one.name, one.pid))
    ]
    show(("worker", "pid", "seconds since beat", "queues"), rows, "no worker lives", as_json=as_json)


@command.command("tasks")
@as_json_option
@click.pass_obj
def tasks(target: Target, as_json: bool) -> None:
    """List the tasks that have unfinished jobs, with how many in each state."""
    counts = target.find_app_or_plain().queues.counts()
    rows = []
    for name in sorted({one.task for one in counts}):
        ours = [one for one in counts if one.task == name]
        rows.append((name, *(sum(one.jobs for one in ours if one.state == state) for state in STATES[:4])))
    show(("task", *STATES[:4]), rows, "no job is unfinished", as_json=as_json)

"""``sqlqueue dead``: jobs that failed for good, and their return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sqlqueue.cli.job import report_retry
from sqlqueue.cli.list import as_json_option, show
from sqlqueue.cli.table import cut, when
from sqlqueue.cli.which import filters, which_jobs
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.cli.apps import Target


@click.group("dead")
def command() -> None:
    """List jobs that failed for good, and let them run again."""


@command.command("list")
@filters
@click.option("--never-ran", is_flag=True, help="Instead, steps that never ran since one before them failed.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@as_json_option
@click.pass_obj
def list_(target: Target, /, limit: int, as_json: bool, never_ran: bool, **given: Any) -> None:
    """List jobs that failed, the newest first; what never ran because of them is counted."""
    jobs = target.find_app_or_plain().jobs
    which = Which(state=State.FAILED, never_ran=never_ran, **given)
    rows = jobs.find(which, limit)
    if as_json:
        lines = [(row.id, row.finished_at, row.attempt, row.queue, row.task, row.args, row.error) for row in rows]
        show(("id", "failed", "attempts", "queue", "task", "args", "error"), lines, "", as_json=True)
        return
    for row in rows:
        click.echo(cut(f"{row.id}  {when(row.finished_at)}  {row.task} {row.args}"))
        click.echo(cut(f"    {' '.join((row.error or '').split())}"))
    passed_over = 0 if never_ran else jobs.never_ran(which, rows[-1].id if len(rows) == limit else "")
    if passed_over:
        click.echo(f"{passed_over} more never ran, since a step before them failed: --never-ran lists them")
    elif not rows:
        click.echo("every job that failed has run" if never_ran else "no job has failed")


@command.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID...]")
@filters
@click.option("--all", "all_", is_flag=True, help="Every job that has failed.")
@click.pass_obj
def retry(target: Target, /, ids: Sequence[str], all_: bool, **given: Any) -> None:
    """Let failed jobs run again, by id, by filter or all; exit with 1 when there was none."""
    if all_ and (ids or any(value is not None for value in given.values())):
        raise click.UsageError("--all means every failed job: give no ids and no filter with it")
    which = Which(state=State.FAILED) if all_ else which_jobs(ids, state=State.FAILED, **given)
    report_retry(target.find_app_or_plain().jobs.retry(which))

"""``sqlqueue job``: look at jobs, revoke them, let them run again, forget them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.cli.table import duration, stood, table, when
from sqlqueue.cli.which import filters, which_jobs
from sqlqueue.domain.words import many
from sqlqueue.serialization.encoded import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.cli.apps import Target
    from sqlqueue.store.ops.jobs import JobDetails


@click.group("job")
def command() -> None:
    """Look at jobs, revoke them, let them run again, forget them."""


@command.command("show")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a document for each job.")
@click.pass_obj
def show(target: Target, ids: Sequence[str], as_json: bool) -> None:
    """Print everything about jobs, with every attempt; exit with 1 when there is none of an id."""
    jobs = target.find_app_or_plain().jobs
    missing = False
    for number, job_id in enumerate(ids):
        found = jobs.show(job_id)
        if found is None:
            missing = True
            click.echo(f"there is no job {job_id}: it was never committed, was forgotten, or is older than the history")
            continue
        if number and not as_json:
            click.echo()
        click.echo(_as_json(found) if as_json else _as_text(found))
    if missing:
        raise SystemExit(1)


def _as_json(found: JobDetails) -> str:
    plain = {name: getattr(found.job, name) for name in found.job.__slots__}
    plain |= {name: value for name, value in found._asdict().items() if name != "job"}
    for name in ("args", "kwargs", "headers", "options", "result", "exception", "meta"):
        plain[name] = None if plain[name] is None else json.loads(plain[name])
    return json.dumps(plain, ensure_ascii=False, default=str)


def _as_text(found: JobDetails) -> str:
    job = found.job
    state = stood(job)
    if found.revoked and job.state == "running":
        state += ", revoked: it will have no other try"
    lines = [
        ("id", job.id), ("task", job.task), ("state", state), ("queue", f"{job.queue}, priority {job.priority}"),
        ("args", shown(job.args)), ("kwargs", shown(job.kwargs)),
        ("headers", found.headers), ("options", found.options),
        ("parent", found.parent_id), ("root", found.root_id), ("group", found.group_id),
        ("sent", when(job.created_at)), ("due", job.run_at and when(job.run_at)),
        ("expires", found.expires_at and when(found.expires_at)),
        ("claimed", job.claimed_at and f"{when(job.claimed_at)} by {job.worker or 'a worker that is gone'}"),
        ("tells", job.told and f"{job.told} {found.meta}"),
        ("finished", job.finished_at and f"{when(job.finished_at)} after {duration(job.runtime)}"),
        ("attempt", f"{job.attempt}, {job.retries} retries, {job.crashes} of {found.max_crashes} crashes"),
        ("runs", "at least once" if found.acks_late else "at most once"),
        ("result", found.result and shown(found.result)), ("error", job.error),
    ]  # fmt: skip
    text = "\n".join(f"{name:<10}{value}" for name, value in lines if value is not None)
    if found.history:
        rows = [
            (one["attempt"], one["claimed_at"][:19], duration(one["runtime"]), one["error"]) for one in found.history
        ]
        text += "\n\nearlier attempts\n" + table(("attempt", "claimed", "runtime", "error"), rows)
    return text + (f"\n\n{found.traceback.rstrip()}" if found.traceback else "")


@command.command("revoke")
@click.argument("ids", nargs=-1, metavar="[ID...]")
@filters
@click.option("--reason", default="revoked", show_default=True, help="Kept as the error of those that waited.")
@click.option("--terminate", is_flag=True, help="End what runs too.")
@click.option("--signal", "by", default="SIGTERM", show_default=True, help="What its process is sent then.")
@click.pass_obj
def revoke(target: Target, /, ids: Sequence[str], reason: str, terminate: bool, by: str, **given: Any) -> None:
    """Revoke jobs: what waits is over at once, what runs has no other try. No worker need be alive.

    Exit with 1 when there was nothing to revoke.
    """
    jobs = target.find_app_or_plain().jobs
    done = jobs.revoke(which_jobs(ids, **given), reason, terminate=terminate, signal=by)
    runs = "being ended" if terminate else "running on, without another try"
    click.echo(f"{many(len(done.ended), 'job')} revoked; {runs}: {len(done.running)}")
    if not done.ended and not done.running:
        raise SystemExit(1)


@command.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID...]")
@filters
@click.option("--state", type=click.Choice(["failed", "revoked"]), help="With a filter: only these.")
@click.pass_obj
def retry(target: Target, /, ids: Sequence[str], **given: Any) -> None:
    """Let failed and revoked jobs run again, from their first attempt; exit with 1 when there was none."""
    report_retry(target.find_app_or_plain().jobs.retry(which_jobs(ids, **given)))


def report_retry(done: Sequence[str]) -> None:
    """Say how many jobs are ready again."""
    click.echo(f"{many(len(done), 'job')} ready again")
    if not done:
        click.echo("none of these has failed or was revoked; a step that never ran waits for one that was", err=True)
        raise SystemExit(1)


@command.command("forget")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_obj
def forget(target: Target, ids: Sequence[str]) -> None:
    """Delete the results of jobs; those that are not over are left alone. Exit with 1 when there was none."""
    done = target.find_app_or_plain().jobs.forget(ids)
    click.echo(f"{many(len(done), 'result')} forgotten")
    if not done:
        raise SystemExit(1)

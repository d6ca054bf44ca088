"""``sqlqueue limit``: what queues, tasks and keys may do in the whole fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sqlqueue.cli.list import as_json_option, show
from sqlqueue.domain.quota import check_name, read_quota

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target


@click.group("limit")
def command() -> None:
    """Set limits of the whole fleet while it works, take them away, list them."""


@command.command("set")
@click.argument("name", metavar="NAME")
@click.argument("quota", metavar="LIMIT")
@click.pass_obj
def set_(target: Target, name: str, quota: str) -> None:
    """Set the limit of queue:NAME, task:NAME or key:NAME: 5 at a time, 10/m starts, or both, 5,10/m."""
    set_limit(target, name, quota, off=False)


@command.command("clear")
@click.argument("name", metavar="NAME")
@click.pass_obj
def clear(target: Target, name: str) -> None:
    """Take a limit away that was set here; exit with 1 when there was none. What the code says holds again."""
    set_limit(target, name, None, off=True)


@command.command("list")
@as_json_option
@click.pass_obj
def list_(target: Target, as_json: bool) -> None:
    """List the limits that were set, and those in use, with how many jobs run under each."""
    rows = [
        (one.name, str(one.quota) if one.quota is not None else "by the code", one.running, one.starts)
        for one in target.find_app_or_plain().queues.limits()
    ]
    show(("limit", "allowed", "running", "recent starts"), rows, "no limit is set or in use", as_json=as_json)


def set_limit(target: Target, name: str, quota: str | None, *, off: bool) -> None:
    """Set a limit or take it away, and say so."""
    if (quota is None) is not off:
        raise click.UsageError("give a limit, such as 5, 10/m or 5,10/m, or --off")
    allowed = None if quota is None else read_quota(quota)
    was = target.find_app_or_plain().queues.limit(check_name(name), allowed)
    click.echo(f"{name}: {allowed}" if allowed is not None else f"{name}: {'no limit' if was else 'had none'}")
    if not was:
        raise SystemExit(1)

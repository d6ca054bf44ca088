"""``sqlqueue queue``: pause queues and resume them, limit what they may do in the whole fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sqlqueue.cli.limit import set_limit
from sqlqueue.cli.list import as_json_option, show_queues
from sqlqueue.domain.quota import QUEUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.cli.apps import Target


@click.group("queue")
def command() -> None:
    """Pause queues, resume them, limit them, list them."""


@command.command("pause")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_obj
def pause(target: Target, names: Sequence[str]) -> None:
    """Let no worker claim from these queues; what is claimed already goes on."""
    queues = target.find_app_or_plain().queues
    for name in names:
        queues.pause(name)
    click.echo(f"paused: {', '.join(names)}")


@command.command("resume")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_obj
def resume(target: Target, names: Sequence[str]) -> None:
    """Let workers claim again; exit with 1 when one was not paused."""
    queues = target.find_app_or_plain().queues
    were = {name: queues.resume(name) for name in names}
    click.echo("\n".join(f"{name}: {'resumed' if was else 'was not paused'}" for name, was in were.items()))
    if not all(were.values()):
        raise SystemExit(1)


@command.command("limit")
@click.argument("name", metavar="NAME")
@click.argument("quota", required=False, metavar="[LIMIT]")
@click.option("--off", is_flag=True, help="Take the limit away.")
@click.pass_obj
def limit(target: Target, name: str, quota: str | None, off: bool) -> None:
    """Say how many jobs of a queue may run (5), or start (10/s, 10/m, 10/h), or both (5,10/m), in the whole fleet."""
    set_limit(target, QUEUE + name, quota, off=off)


@command.command("list")
@as_json_option
@click.pass_obj
def list_(target: Target, as_json: bool) -> None:
    """The same as `sqlqueue list queues`."""
    show_queues(target, as_json=as_json)

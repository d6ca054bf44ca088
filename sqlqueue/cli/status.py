"""``sqlqueue status``: which workers live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sqlqueue.cli.asking import ask_workers, asking_options, how

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target


@click.command("status")
@asking_options
@click.pass_obj
def command(target: Target, /, as_json: bool, **asked: Any) -> None:
    """Ask which workers live; exit with 69 when none replies."""
    ask_workers(target, ["ping"], how(**asked), changes=False, as_json=as_json)

"""``sqlqueue report``: what a question about this installation should come with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sqlqueue.worker.report import report

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target


@click.command("report")
@click.option("--all", "everything", is_flag=True, help="Show the settings that have their default too.")
@click.pass_obj
def command(target: Target, *, everything: bool) -> None:
    """Print versions, tasks and settings, with secrets hidden."""
    click.echo(report(target.find_app_or_plain(), everything=everything))

"""``sqlqueue compact``: give back to the disk what a flood of jobs has left empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sqlqueue.store.compact import compact

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target


@click.command("compact")
@click.option("-f", "--force", is_flag=True, help="Also when it is small or full; everybody waits meanwhile.")
@click.pass_obj
def command(target: Target, force: bool) -> None:
    """Give back to the disk what a flood of jobs has left empty.

    Workers may go on running: it is done in a moment, or not at all.
    """
    app = target.find_app_or_plain()
    app.store.check_schema()
    done = compact(app.broker, app.conf.broker_schema, force=force)
    if done.why_not is not None:
        click.echo(f"Left alone: {done.why_not} (--force does it all the same)")
    else:
        click.echo(f"{_megabytes(done.before)} before, {_megabytes(done.after)} after")


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"

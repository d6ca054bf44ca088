"""``sqlqueue report``: what a question about this installation should come with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import click

from sqlqueue.store.urls import show
from sqlqueue.version import __version__

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target

PACKAGES = ("sqlalchemy", "psycopg", "alembic", "click")


@click.command("report")
@click.option("--all", "everything", is_flag=True, help="Show the settings that have their default too.")
@click.pass_obj
def command(target: Target, *, everything: bool) -> None:
    """Print versions, tasks and settings, with secrets hidden."""
    app = target.find_app_or_plain()
    click.echo(f"sqlqueue {__version__}, Python {platform.python_version()}, {platform.platform()}")
    click.echo(", ".join(f"{name} {_version(name)}" for name in PACKAGES))
    click.echo(f"database: {show(app.broker)}")
    click.echo(f"tasks: {', '.join(app.tasks) or 'none'}")
    for name, value in app.conf.humanize(with_defaults=everything).items():
        click.echo(f"{name}: {value}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"

"""``sqlqueue migrate``: make the tables, or bring them up to date."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from sqlqueue.store import migrate
from sqlqueue.store.urls import show

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target


@click.command("migrate")
@click.option("--schema", help="PostgreSQL: the schema for the tables; made when missing. Default: the app's.")
@click.option("--sql", is_flag=True, help="Print the SQL instead of executing it.")
@click.option("--drop", is_flag=True, help="Drop the tables with everything in them.")
@click.pass_obj
def command(target: Target, schema: str | None, sql: bool, drop: bool) -> None:
    """Make the tables, or bring them up to date.

    The same as `alembic upgrade head` with the project's alembic.ini. Your own alembic history is left alone.
    """
    app = target.find_app_or_plain()
    schema = schema or app.conf.broker_schema
    url = app.broker
    if sql:
        click.echo(migrate.offline_sql(url, schema), nl=False)
        return
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if drop:
        click.confirm(f"Drop all jobs and results in {show(url)}?", abort=True)
        migrate.downgrade(url, schema)
    else:
        migrate.upgrade(url, schema)
    click.echo(f"{'Dropped the tables in' if drop else 'The tables are up to date in'} {show(url)}")

"""``sqlqueue bench``: how fast the queue is on this database."""

from __future__ import annotations

import contextlib
import logging
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sqlqueue.errors import StoreUnavailable
from sqlqueue.store import migrate
from sqlqueue.store.urls import show
from sqlqueue.worker.options import POOLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlqueue.app import SQLQueue
    from sqlqueue.cli.apps import Target


@click.command("bench")
@click.option("-P", "--pool", type=click.Choice(POOLS), default="prefork", show_default=True, help="The worker's pool.")
@click.option("-c", "--concurrency", type=click.IntRange(1), help="Jobs at a time; default: as many as processors.")
@click.option("--quick", is_flag=True, help="Few jobs: to see that it works, not how fast.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(target: Target, pool: str, concurrency: int | None, quick: bool, yes: bool) -> None:
    """Measure enqueue, drain, pick-up and an idle worker on your database.

    In a schema, or a file beside yours, that is made for it and dropped. Your jobs are not touched.
    """
    from sqlqueue.testing import trial

    app = target.find_app_or_plain()
    name = f"sqlqueue_bench_{uuid.uuid4().hex[:12]}"
    place, environment = _place(app, name)
    if not yes:
        click.confirm(f"Make {place}, keep server and machine busy for a minute, and drop it again?", abort=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    options = ["--pool", pool, *(["--concurrency", str(concurrency)] if concurrency else [])]
    length = trial.QUICK if quick else trial.USUAL
    with _made(app, name, environment):
        _use(trial.app, environment)
        try:
            for what, value, unit in trial.trial(options, environment, length):
                click.echo(f"{what:<28} {value:>12,.{0 if value >= 100 else 2}f} {unit}")  # noqa: PLR2004 - three digits
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
        finally:
            trial.app.close()
    click.echo(f"dropped {place}")


def _place(app: SQLQueue, name: str) -> tuple[str, dict[str, str]]:
    """Return where the trial's tables will be: in words for people, and as variables for the worker."""
    url = app.broker
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(Path(str(url.database)).with_name(f"{name}.db")))
        return f"the file {url.database}", _variables(url.render_as_string(hide_password=False), app)
    variables = _variables(url.render_as_string(hide_password=False), app) | {"SQLQUEUE_BROKER_SCHEMA": name}
    return f"the schema {name} in {show(url)}", variables


def _variables(url: str, app: SQLQueue) -> dict[str, str]:
    return {
        "SQLQUEUE_BROKER_URL": url,
        "SQLQUEUE_BROKER_SYNCHRONOUS": app.conf.broker_synchronous,
        "SQLQUEUE_BROKER_NOTIFICATIONS": "yes" if app.conf.broker_notifications else "no",
    }


@contextlib.contextmanager
def _made(app: SQLQueue, name: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Make the trial's tables, and drop them whatever happens."""
    schema, url = environment.get("SQLQUEUE_BROKER_SCHEMA"), environment["SQLQUEUE_BROKER_URL"]
    try:
        _make(url, schema)
        yield
    finally:
        if schema is not None:
            migrate.drop_schema(app.broker, schema)
        else:
            for file in Path(str(app.broker.database)).parent.glob(f"{name}.db*"):
                file.unlink()


def _make(url: str, schema: str | None) -> None:
    try:
        migrate.upgrade(url, schema)
    except StoreUnavailable as error:
        if schema is None or "permission denied" not in str(error):
            raise
        message = f"{error}. The trial makes a schema of its own: GRANT CREATE ON DATABASE ... TO this user"
        raise StoreUnavailable(message) from error


def _use(app: SQLQueue, environment: Mapping[str, str]) -> None:
    """Put the trial's app on the same database as its worker."""
    app.use_broker(environment["SQLQUEUE_BROKER_URL"])
    app.conf.broker_schema = environment.get("SQLQUEUE_BROKER_SCHEMA")
    app.conf.broker_synchronous = environment["SQLQUEUE_BROKER_SYNCHRONOUS"]
    app.conf.broker_notifications = environment["SQLQUEUE_BROKER_NOTIFICATIONS"] == "yes"

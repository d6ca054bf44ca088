"""``sqlqueue result``: what became of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sqlqueue.errors import EncodingError
from sqlqueue.serialization.json import encode

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target


def as_text(value: Any) -> str:
    """Return a value as JSON, or, where that cannot hold it, as Python shows it."""
    try:
        return encode(value)
    except EncodingError:
        return repr(value)


@click.command("result")
@click.argument("job_id")
@click.option("--traceback", "show_traceback", is_flag=True, help="Print the traceback of a failed job.")
@click.pass_obj
def command(target: Target, job_id: str, show_traceback: bool) -> None:
    """Print the state of JOB_ID and its result; exit with 1 when it failed or is not over."""
    app = target.find_app_or_plain()
    result = app.AsyncResult(job_id)
    state = result.state
    if state == "SUCCESS":
        click.echo(as_text(result.result))
        return
    error = result.result
    click.echo(f"{state}{f': {type(error).__name__}: {error}' if error is not None else ''}", err=True)
    if show_traceback and result.traceback:
        click.echo(result.traceback, err=True, nl=False)
    raise SystemExit(1)

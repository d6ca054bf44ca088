"""``sqlqueue call``: send a job by its task's name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.cli.result import as_text
from sqlqueue.errors import SqlqueueError

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target


@click.command("call")
@click.argument("task")
@click.option("-a", "--args", "args", default="[]", help="Positional arguments, a JSON array.")
@click.option("-k", "--kwargs", "kwargs", default="{}", help="Named arguments, a JSON object.")
@click.option("-Q", "--queue", help="Where the job waits.")
@click.option("--countdown", type=float, help="Seconds until it is due.")
@click.option("--priority", type=int, help="Larger runs first.")
@click.option("--wait/--no-wait", default=False, help="Wait for the job and print its result as JSON.")
@click.option("--timeout", type=float, help="Seconds to wait.")
@click.pass_obj
def command(
    target: Target, /, task: str, args: str, kwargs: str, wait: bool, timeout: float | None, **options: Any
) -> None:
    """Send a job of TASK, and print its id.

    TASK need not be registered in the app: a worker must know it.
    """
    found, named = _json("--args", args, list), _json("--kwargs", kwargs, dict)
    app = target.find_app_or_plain()
    result = app.send_task(task, found, named, **options)
    try:
        if not wait:
            click.echo(result.id)
            return
        click.echo(as_text(result.get(timeout)))
    except SqlqueueError:
        raise
    except Exception as error:
        raise click.ClickException(f"{task}[{result.id}] failed: {type(error).__name__}: {error}") from error


def _json(option: str, text: str, kind: type) -> Any:
    """Read an option's JSON."""
    what = "an array, such as '[2, 2]'" if kind is list else "an object, such as '{\"x\": 2}'"
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{option} is no JSON ({error}): give {what}") from None
    if not isinstance(value, kind):
        raise click.BadParameter(f"{option} is {text}: give {what}")
    return value

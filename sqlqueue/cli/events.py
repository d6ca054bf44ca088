"""``sqlqueue events``: print what happens, as it happens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.events.state import State

if TYPE_CHECKING:
    from sqlqueue.cli.apps import Target

COMMON = frozenset({"type", "hostname", "timestamp", "utcoffset", "pid", "clock", "local_received", "uuid", "name"})
"""What is not said again behind the task, or of every event."""


@click.command("events")
@click.option("--dump", is_flag=True, help="Print one line for each event; the only way yet.")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="End after so many events.")
@click.pass_obj
def command(target: Target, /, dump: bool, as_json: bool, limit: int | None) -> None:
    """Print what happens to jobs and workers, as it happens, until Ctrl-C.

    Workers tell it while somebody watches: nothing need be turned on. Exit with 1 for want of --dump.
    """
    if not dump:
        raise click.ClickException("there is no full-screen monitor yet: use --dump, with --json for JSON lines")
    app, state = target.find_app_or_plain(), State()

    def say(event: dict[str, Any]) -> None:
        state.event(event)
        click.echo(json.dumps(event, ensure_ascii=False) if as_json else _line(event, state))

    app.events.Receiver(handlers={"*": say}).capture(limit=limit)


def _line(event: dict[str, Any], state: State) -> str:
    """Return an event as people read it: when, who, what, of which job, and the rest."""
    when = datetime.fromtimestamp(event["timestamp"], UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    words = [when, event["hostname"], event["type"]]
    if event.get("uuid"):
        task = state.tasks.get(event["uuid"])
        words.append(f"{(task and task.name) or event.get('name') or '?'}[{event['uuid']}]")
    rest = {name: value for name, value in event.items() if name not in COMMON and value is not None}
    words += [
        f"{name}={value if isinstance(value, str | int | float) else json.dumps(value)}" for name, value in rest.items()
    ]
    return " ".join(words).replace("\n", "\\n")

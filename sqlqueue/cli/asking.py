"""What `inspect`, `control` and `status` have in common: find the command, ask the workers, print what they say."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.domain.words import many
from sqlqueue.errors import ConfigError
from sqlqueue.worker.control.table import ALIASES, COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlqueue.app import SQLQueue
    from sqlqueue.cli.apps import Target
    from sqlqueue.client.broadcasting import Asking
    from sqlqueue.client.commands import Command

NOBODY = 69
"""The exit code when no worker replies: EX_UNAVAILABLE, as in Celery."""


IN_THE_DATABASE = ("revoke", "terminate", "revoke_by_stamped_headers")
"""What holds whether or not a worker lives."""


def asking_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say who is asked, how long they have, and how the answers are shown."""
    for option in (
        click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON, an object with a key for each worker."),
        click.option("--pattern", metavar="GLOB", help="Only workers whose names match, such as 'mail*'."),
        click.option("-d", "--destination", metavar="NAME[,...]", help="Only workers of these names."),
        click.option(
            "-t", "--timeout", type=click.FloatRange(0), metavar="SECONDS",
            help="How long to wait for replies; default: 1, or 3 where workers must look for commands themselves.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def command_for(name: str, *, changes: bool, meaning: str, missing: str) -> click.Command:
    """Make the command that sends workers those commands which change something, or those which only look.

    Parameters
    ----------
    meaning: its help.
    missing: what to say to whoever names no command.
    """

    @click.command(name, help=f"{meaning}\n\nExit with 69 when no worker replies, with 1 when one refuses.")
    @click.argument("words", nargs=-1, metavar="COMMAND [ARGUMENT...]")
    @click.option("-l", "--list", "show_list", is_flag=True, help="List the commands, with those that the app adds.")
    @asking_options
    @click.pass_obj
    def command(target: Target, /, words: Sequence[str], show_list: bool, as_json: bool, **asked: Any) -> None:
        if show_list:
            list_commands(target, changes=changes)
            return
        if not words:
            raise click.UsageError(f"{missing}; --list shows all there is")
        ask_workers(target, words, how(**asked), changes=changes, as_json=as_json)

    return command


def how(timeout: float | None, destination: str | None, pattern: str | None) -> Asking:
    """Return what these options mean, for a command that is to be answered."""
    names = None if destination is None else [name.strip() for name in destination.split(",") if name.strip()]
    return {"timeout": timeout, "destination": names, "pattern": pattern, "reply": True}


def ask_workers(target: Target, words: Sequence[str], asked: Asking, *, changes: bool, as_json: bool) -> None:
    """Send the command that ``words`` begin with, and print the replies; exit with 69 when there is none."""
    app = target.find_app_or_plain()
    command = _found(app, words[0], changes=changes)
    arguments = command.read(words[1:])
    if command.name in IN_THE_DATABASE:
        replies = getattr(app.control, command.name)(**arguments, **asked)
    else:
        replies = app.control.broadcast(command.name, arguments, **asked)
    found = {name: said for reply in replies or () for name, said in reply.items()}
    if command.name in IN_THE_DATABASE and not found:
        click.echo("{}" if as_json else "done in the database; no worker replied, and none need")
        return
    show_replies(found, as_json=as_json)


def show_replies(found: dict[str, Any], *, as_json: bool) -> None:
    """Print what each worker said; exit with 69 when nobody did, and with 1 when somebody refused."""
    if not found:
        click.echo("Error: no worker replied in time; sqlqueue list workers shows who lives", err=True)
        raise SystemExit(NOBODY)
    refused = [name for name, reply in found.items() if isinstance(reply, dict) and "error" in reply]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, default=str))
    else:
        for name in sorted(found):
            click.echo(_as_text(name, found[name]))
        click.echo(f"\n{many(len(found), 'worker')} replied")
    if refused:
        raise SystemExit(1)


def _as_text(name: str, reply: Any) -> str:
    word, body = "OK", reply
    if isinstance(reply, dict) and set(reply) == {"ok"}:
        body = reply["ok"]
    elif isinstance(reply, dict) and "error" in reply:
        word, body = "ERROR", reply["error"]
    lines = _lines(body)
    return "\n".join([f"{name}: {word}", *(f"    {line}" for line in lines)])


def _lines(body: Any) -> Iterable[str]:
    """Return an answer as lines: text as it is, lists one item a line, all else as JSON."""
    if isinstance(body, str):
        return body.splitlines()
    if isinstance(body, list):
        return [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in body] or ["- nothing -"]
    return json.dumps(body, ensure_ascii=False, indent=2).splitlines()


def list_commands(target: Target, *, changes: bool) -> None:
    """Print the commands that there are, with their arguments and what they do."""
    found = _commands(target.find_app_or_plain(), changes=changes)
    width = max(len(one.usage) for one in found)
    for one in found:
        click.echo(f"{one.usage:<{width}}  {one.help}")


def _commands(app: SQLQueue, *, changes: bool) -> list[Command]:
    ours = {**COMMANDS, **{one.name: one for one in app.commands.all()}}
    return [ours[name] for name in sorted(ours) if ours[name].changes is changes]


def _found(app: SQLQueue, name: str, *, changes: bool) -> Command:
    commands = {one.name: one for one in _commands(app, changes=changes)}
    found = commands.get(ALIASES.get(name, name))
    if found is not None:
        return found
    room, other = ("control", "inspect") if changes else ("inspect", "control")
    if name in {one.name for one in _commands(app, changes=not changes)}:
        raise ConfigError(f"{name} is a command of: sqlqueue {other} {name}")
    near = difflib.get_close_matches(name, commands, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"sqlqueue {room} --list shows them"
    raise ConfigError(f"there is no command {name!r} to {room} with: {hint}")

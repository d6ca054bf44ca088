"""``sqlqueue control``: change running workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sqlqueue.cli.asking import ask_workers, asking_options, how, list_commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.cli.apps import Target


@click.command("control")
@click.argument("words", nargs=-1, metavar="COMMAND [ARGUMENT...]")
@click.option("-l", "--list", "show_list", is_flag=True, help="List the commands, with those that the app adds.")
@asking_options
@click.pass_obj
def command(target: Target, /, words: Sequence[str], show_list: bool, as_json: bool, **asked: Any) -> None:
    """Change running workers, such as: sqlqueue control add_consumer mails.

    Exit with 69 when no worker replies, with 1 when one refuses.
    """
    if show_list:
        list_commands(target, changes=True)
        return
    if not words:
        raise click.UsageError("say what to do, such as pool_grow; --list shows all there is")
    ask_workers(target, words, how(**asked), changes=True, as_json=as_json)

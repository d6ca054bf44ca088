"""Every option may be in the environment: ``worker --queues`` is ``SQLQUEUE_WORKER_QUEUES``.

A variable that is the name of a setting too, such as ``SQLQUEUE_WORKER_CONCURRENCY``, means the same as both.
"""

from __future__ import annotations

import click

PREFIX = "SQLQUEUE"


def name_variables(command: click.Command, prefixes: list[str], words: tuple[str, ...]) -> None:
    """Let each option of a command, and of those inside it, be in the environment too, and its help say so.

    Parameters
    ----------
    prefixes: how the names begin; of several that are set, the first counts.
    words: how the command is called.
    """
    for option in command.params:
        if isinstance(option, click.Option) and option.expose_value:
            names = [word[2:] for word in option.opts if word.startswith("--")]
            option.envvar = [_variable(prefix, *words, name) for prefix in prefixes for name in names]
            option.show_envvar = True
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            name_variables(inner, prefixes, (*words, name))


def _variable(*words: str) -> str:
    return "_".join(words).replace("-", "_").upper()

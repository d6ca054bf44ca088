"""Celery's command lines, said in ours: ``python -m sqlqueue.celery -A proj worker -Q q -n w@%h -l INFO``."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.celery.app.trace import TraceLog
from sqlqueue.celery.worker import state
from sqlqueue.cli import main
from sqlqueue.cli.apps import Target
from sqlqueue.signals import celeryd_after_setup, celeryd_init

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.app import SQLQueue
    from sqlqueue.worker.worker import Worker

__path__: list[str] = []
"""Celery has a package here: so that those who look for its commands are told by ``absent`` what to use."""

PREFIX = "CELERY"
"""How the names of options in the environment begin; those that begin as ours do count too."""

FLAGS = frozenset({
    "--without-gossip", "--without-mingle", "--without-heartbeat",
    "--disable-prefetch", "-C", "--no-color", "-q", "--quiet", "--skip-checks",
})  # fmt: skip
"""What may be said and means nothing here: there is no gossip."""

VALUED = frozenset({
    "-O", "--optimization", "--prefetch-multiplier", "--heartbeat-interval", "-S", "--statedb", "--result-backend",
    "--loader",
})  # fmt: skip
"""The same, with a value."""

POOLS = {"eventlet": "asyncio", "gevent": "asyncio", "processes": "prefork"}
"""Pools that do not exist here, and what stands for them: greenlets wait, and so do coroutines."""


def translated(words: Sequence[str]) -> list[str]:
    """Return a command line of ours for one of Celery's."""
    found: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word in FLAGS:
            continue
        if name in VALUED:
            if not equals and left:
                left.pop(0)
            continue
        if name in ("-A", "--app"):
            found += ["-A", _app(value if equals else left.pop(0) if left else "")]
        elif name in ("-P", "--pool"):
            pool = value if equals else left.pop(0) if left else ""
            found += ["-P", POOLS.get(pool, pool)]
        else:
            found.append(word)
    return [*found, *_of_worker(found)] if "worker" in found else found


def _of_worker(words: Sequence[str]) -> list[str]:
    """Return what a worker is told besides: its name as Celery makes it, and a pool of the environment in our words."""
    more = []
    if not _has(words, "-P", "--pool") and (pool := os.environ.get(f"{PREFIX}_WORKER_POOL")):
        more += ["-P", POOLS.get(pool, pool)]
    named = any(os.environ.get(f"{prefix}_WORKER_HOSTNAME") for prefix in (PREFIX, "SQLQUEUE"))
    if not named and not _has(words, "-n", "--hostname", "--name"):
        more += ["-n", "celery@%h"]
    return more


def with_environment(words: Sequence[str]) -> list[str]:
    """Return the same with the app and its broker, where the environment says them and the words do not."""
    found = translated(words)
    return [*_of_all(found), *found]


def _of_all(words: Sequence[str]) -> list[str]:
    """Return what the environment says of all commands; Celery's names of these have no prefix."""
    more = []
    if not _has(words, "-A", "--app") and (app := os.environ.get("APP")):
        more += ["-A", _app(app)]
    if not _has(words, "-b", "--broker") and (broker := os.environ.get("BROKER_URL")):
        more += ["-b", broker]
    return more


def _has(words: Sequence[str], *options: str) -> bool:
    return any(word.startswith(options) for word in words)


def _app(name: str) -> str:
    """Return where an app is: of a package without one, in its module ``celery``, as Celery looks."""
    if ":" in name or not name:
        return name
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        inner = importlib.util.find_spec(f"{name}.celery")
    except Exception:  # noqa: BLE001 - looking has imported the package: what is wrong with it is said later
        inner = None
    return name if inner is None else f"{name}.celery"


def prepare(sender: str, instance: Worker, **_: object) -> None:
    """Give a worker of the command line what Celery's has: its state, its log, stamps that are revoked."""
    state.watch(instance.events)
    TraceLog(instance.events, sender)
    instance.turn_away(state.refusal)


def run(words: Sequence[str], app: SQLQueue | None = None) -> None:
    """Do what a command line of Celery's says, with this app if one is given; settings may follow ``--``."""
    celeryd_after_setup.connect(prepare)
    if "--" in words:
        words, settings = words[: words.index("--")], words[words.index("--") + 1 :]
        celeryd_init.connect(partial(_configure, settings), weak=False)
    if app is None:
        main.main(with_environment(words), prog_name="celery", auto_envvar_prefix=PREFIX)
    context = click.Context(main, obj=_Given(None, None, app), auto_envvar_prefix=PREFIX)
    name, *rest = translated(words)
    command = main.get_command(context, name)
    if command is None:
        raise click.ClickException(f"there is no command {name!r}")
    command.main(rest, parent=context, obj=context.obj, prog_name=f"celery {name}")


def _configure(settings: Sequence[str], instance: Any, **_: object) -> None:
    instance.config_from_cmdline(settings)


class _Given(Target):
    """An app that is there already."""

    def find_app(self) -> SQLQueue:
        """Return it."""
        assert self.found is not None  # noqa: S101 - given when it was made
        self.found.loader.import_default_modules()  # type: ignore[attr-defined]
        return self.found

    find_app_or_plain = find_app

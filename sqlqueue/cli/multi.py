"""``sqlqueue multi``: start and stop several workers on one machine, in the background."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sqlqueue.cli.nodes import read_nodes
from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import ConfigError
from sqlqueue.worker.process import lives, living_owner, this_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlqueue.cli.apps import Target
    from sqlqueue.cli.nodes import Node

PATIENCE = 20.0
"""Seconds in which a worker has to write its pid file."""

GLANCE = 0.1

VERBS = ("start", "stop", "stopwait", "restart", "kill", "names", "show")


@click.command("multi", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("verb", type=click.Choice(VERBS))
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="NAME|N... [OPTIONS]")
@click.pass_obj
def command(target: Target, verb: str, words: Sequence[str]) -> None:
    """Start, stop or restart several workers in the background.

    Names, or how many, come first, then options of the worker command, for all or for some:

        sqlqueue -A shop multi start w1 w2 w3 -c 4 -Q:w3 mail

        sqlqueue -A shop multi start 10 -Q:1-3 images,video -Q:4,5 data

        sqlqueue multi stopwait 10

    stop asks them to finish what runs (stop w1 -QUIT: with another signal), stopwait also waits for them,
    restart starts them again, kill ends them at once, names and show only print. Each has a pid file and a log
    here, NAME.pid and NAME.log, unless --pidfile and --logfile say otherwise (%n: the name).
    """
    number, words = _signal(words) if verb == "stop" else (signal.SIGTERM, words)
    nodes = read_nodes(words, target.words)
    verbs: dict[str, Callable[[], bool]] = {
        "start": lambda: _each(nodes, _start),
        "stop": lambda: _each(nodes, partial(_send, number)),
        "stopwait": lambda: _stopwait(nodes),
        "restart": lambda: _stopwait(nodes) and _each(nodes, _start),
        "kill": lambda: _each(nodes, partial(_send, signal.SIGKILL)),
        "names": lambda: _print(node.name for node in nodes),
        "show": lambda: _print(shlex.join([*this_program(), *node.words]) for node in nodes),
    }
    if not verbs[verb]():
        raise SystemExit(1)


def _signal(words: Sequence[str]) -> tuple[signal.Signals, Sequence[str]]:
    """Take a signal out of the words: ``-9``, ``-QUIT`` or ``-SIGQUIT``."""
    for place, word in enumerate(words):
        name = word[1:].removeprefix("SIG")
        if not word.startswith("-") or word.startswith("--"):
            continue
        if name.isdecimal() or name in {one.name.removeprefix("SIG") for one in signal.Signals}:
            rest = [*words[:place], *words[place + 1 :]]
            try:
                return signal.Signals(int(name)) if name.isdecimal() else signal.Signals[f"SIG{name}"], rest
            except ValueError:
                raise ConfigError(f"there is no signal {name}") from None
    return signal.SIGTERM, words


def _each(nodes: Sequence[Node], act: Callable[[Node], bool]) -> bool:
    """Do the same to all, also after one with which it did not succeed; return whether it did with all."""
    done = [act(node) for node in nodes]
    return all(done)


def _start(node: Node) -> bool:
    running = _pid(node)
    if running is not None:
        return _say(node, f"is running already, as process {running}", ok=False)
    ended = subprocess.run([*this_program(), *node.words], check=False)  # noqa: S603 - our own command line
    if ended.returncode:
        return _say(node, f"did not start: exit code {ended.returncode}", ok=False)
    until = monotonic() + PATIENCE
    pause = threading.Event()
    while (pid := _pid(node)) is None:
        if monotonic() > until:
            return _say(node, f"did not start within {PATIENCE:.0f} s: see {node.logfile}", ok=False)
        pause.wait(GLANCE)
    return _say(node, f"started, as process {pid}")


def _send(number: signal.Signals, node: Node) -> bool:
    pid = _pid(node)
    if pid is None:
        return _say(node, "is not running")
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return _say(node, "is not running")
    except PermissionError:
        return _say(node, f"is somebody else's process {pid}", ok=False)
    return _say(node, f"was sent {number.name}, process {pid}")


def _stopwait(nodes: Sequence[Node]) -> bool:
    """Ask all to stop, then wait for each."""
    running = [(node, pid) for node in nodes if (pid := _pid(node)) is not None]
    if not _each(nodes, partial(_send, signal.SIGTERM)):
        return False
    pause = threading.Event()
    for node, pid in running:
        while _is(node, pid):
            pause.wait(GLANCE)
        _say(node, "stopped")
    return True


def _pid(node: Node) -> int | None:
    """Return the pid of a worker that lives."""
    pid = living_owner(Path(node.pidfile))
    return pid if pid is not None and _is(node, pid) else None


def _is(node: Node, pid: int) -> bool:
    """Whether a process is that worker: its number may have gone to another in the meantime."""
    try:
        return node.name in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # no such thing on this system, or gone
        return not Path("/proc/self").exists() and lives(pid)


def _say(node: Node, words: str, *, ok: bool = True) -> bool:
    click.echo(f"{node.name} {words}", file=None if ok else sys.stderr)
    return ok


def _print(lines: Iterable[str]) -> bool:
    for line in lines:
        click.echo(line)
    return True

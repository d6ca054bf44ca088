"""What a worker says of itself when it starts, in the order in which one looks for it when something is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

import click

from sqlqueue.client.routes import broadcast_names
from sqlqueue.store.urls import show
from sqlqueue.version import __version__

if TYPE_CHECKING:
    from sqlqueue.app import SQLQueue
    from sqlqueue.worker.options import WorkerOptions


def print_banner(app: SQLQueue, options: WorkerOptions, stream: TextIO) -> None:
    """Print it, coloured if the stream is a terminal."""
    title = click.style(f"sqlqueue {__version__}", fg="green", bold=True)
    name = click.style(options.node_name, bold=True)
    lines = ["", f" {title}  {name}  pid {os.getpid()}", "", *_part("config", _config(app, options))]
    spread = broadcast_names(app.conf)
    lines += _part("queues", [f".> {one}{', by every worker' if one in spread else ''}" for one in options.queues])
    tasks = [f" . {name}" for name in app.tasks] or [" none: a worker without tasks sends every job back"]
    click.echo("\n".join([*lines, *_part("tasks", tasks)]), file=stream)


def _part(title: str, lines: list[str]) -> list[str]:
    return [click.style(f" [{title}]", fg="cyan"), *(f" {line}" for line in lines), ""]


def _config(app: SQLQueue, options: WorkerOptions) -> list[str]:
    pool = options.pool if options.start_method == "fork" else f"{options.pool}, {options.start_method}"
    slots = f"{options.slots} ({pool})"
    if options.autoscale is not None:
        slots = f"{options.autoscale[0]} to {options.autoscale[1]} ({pool})"
    said = {"app": app.main or "?", "database": show(app.broker), "concurrency": slots}
    soft, hard = options.limits
    if soft is not None or hard is not None:
        said["time limits"] = f"soft {_seconds(soft)}, hard {_seconds(hard)}"
    return [f".> {what + ':':<13}{value}" for what, value in said.items()]


def _seconds(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g} s"

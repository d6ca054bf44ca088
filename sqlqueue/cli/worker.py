"""``sqlqueue worker``: run tasks."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.events.log import subscribe_log
from sqlqueue.store.urls import show
from sqlqueue.version import __version__
from sqlqueue.worker.options import DEFAULT_NAME, POOLS, WorkerOptions
from sqlqueue.worker.order import read_queues
from sqlqueue.worker.pools.make import PoolSource
from sqlqueue.worker.worker import Shutdown, Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.app import SQLQueue
    from sqlqueue.cli.apps import Target

QUEUES_HELP = (
    "Queues to serve, the first before the second; with weights (high=3,low=1) in turns by weight."
    " Default: the app's default queue."
)

LEVELS = ("debug", "info", "warning", "error", "critical")


@click.command("worker")
@click.option("-Q", "--queue", "--queues", "queues", multiple=True, metavar="NAME[=WEIGHT][,...]", help=QUEUES_HELP)
@click.option("-c", "--concurrency", type=int, help="Jobs at a time; default: as many as processors.")
@click.option("-P", "--pool", type=click.Choice(POOLS), help="Where tasks run.")
@click.option(
    "-n",
    "--hostname",
    "--name",
    "name",
    default=DEFAULT_NAME,
    show_default=True,
    help="The worker's name; %h is the host's.",
)
@click.option("-l", "--loglevel", type=click.Choice(LEVELS, case_sensitive=False), default="warning", show_default=True)
@click.pass_obj
def command(
    target: Target, queues: Sequence[str], concurrency: int | None, pool: str | None, name: str, loglevel: str
) -> None:
    """Run the tasks of one or more queues until told to stop.

    SIGTERM or Ctrl-C lets running tasks finish; a second Ctrl-C, or SIGQUIT, gives them back at once.
    """
    app = target.find_app()
    _log_to_stderr(loglevel)
    named = read_queues(queues or [app.conf.task_default_queue])
    options = WorkerOptions(
        queues=named.names,
        weights=named.weights,
        name=name,
        pool=pool or app.conf.worker_pool,
        concurrency=app.conf.worker_concurrency if concurrency is None else concurrency,
        poll_interval=app.conf.worker_poll_interval,
    )
    source = PoolSource(options, app.tasks)  # forks: before any thread and any connection
    subscribe_log(app.events)
    worker = Worker(app, options, source)
    _print_banner(app, options)
    _handle_signals(worker)
    raise SystemExit(worker.run())


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(asctime)s %(levelname)s] %(message)s", "%Y-%m-%d %H:%M:%S"))
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(handler)
    logging.getLogger("sqlqueue").setLevel(level.upper())


def _print_banner(app: SQLQueue, options: WorkerOptions) -> None:
    """Show what this worker is and does, as one looks for it when something is wrong."""
    lines = [
        f"sqlqueue {__version__}  {options.node_name}  pid {os.getpid()}",
        f"  database     {show(app.broker)}",
        f"  pool         {options.pool}, {options.slots} at a time",
        f"  queues       {', '.join(options.queues)}",
        f"  tasks        {', '.join(app.tasks) or 'none: a worker without tasks sends every job back'}",
    ]
    click.echo("\n".join(lines), err=True)


def _handle_signals(worker: Worker) -> None:
    interrupted = False

    def interrupt(_: int, __: Any) -> None:
        nonlocal interrupted
        worker.stop(Shutdown.COLD if interrupted else Shutdown.WARM)
        if not interrupted:
            os.write(sys.stderr.fileno(), b"\nfinishing the running tasks; Ctrl-C again gives them back\n")
        interrupted = True

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop(Shutdown.WARM))
    if hasattr(signal, "SIGQUIT"):
        signal.signal(signal.SIGQUIT, lambda *_: worker.stop(Shutdown.COLD))

"""``sqlqueue worker``: run tasks."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from sqlqueue.cli.banner import print_banner
from sqlqueue.cli.reloading import Reloader
from sqlqueue.cli.signals import handle_signals, ignore_the_rest
from sqlqueue.client.routes import queue_names
from sqlqueue.domain.limits import Limits
from sqlqueue.domain.words import many
from sqlqueue.errors import ConfigError
from sqlqueue.events.catalog import WorkerReady, WorkerStopping
from sqlqueue.events.log import subscribe_log
from sqlqueue.services.systemd import notify
from sqlqueue.signals import celeryd_after_setup, celeryd_init, worker_init
from sqlqueue.worker.changed import changes, noted, take
from sqlqueue.worker.execute import Executor
from sqlqueue.worker.logs import Look, Redirected, set_up
from sqlqueue.worker.options import DEFAULT_NAME, POOLS, START_METHODS, WorkerOptions, processors
from sqlqueue.worker.order import read_queues
from sqlqueue.worker.pools.make import PoolSource
from sqlqueue.worker.pools.prefork_spawn import NO_SETTINGS, invitation
from sqlqueue.worker.process import PidFile, become_init, detach, start_over
from sqlqueue.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlqueue.app import SQLQueue
    from sqlqueue.cli.apps import Target
    from sqlqueue.config import Config
    from sqlqueue.worker.pools.prefork_spawn import Invitation

QUEUES_HELP = (
    "Queues to serve, the first before the second; with weights (high=3,low=1) in turns by weight."
    " Default: the app's default queue."
)

LEVELS = ("debug", "info", "warning", "error", "critical")


def _autoscale(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Read ``MOST,FEWEST``, as in Celery; the fewest is 1 when it is left out."""
    if value is None:
        return None
    most, _comma, fewest = value.partition(",")
    try:
        return int(fewest or 1), int(most)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not MOST,FEWEST, such as 10,3") from None


def _names(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Read names with commas between them."""
    return tuple(name.strip() for text in value for name in text.split(",") if name.strip())


def _concurrency(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Read a number, or ``auto``: as many as processors."""
    try:
        return None if value is None else processors() if value == "auto" else int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor auto") from None


# fmt: off
OPTIONS = [
    click.option("-Q", "--queue", "--queues", "queues", multiple=True, metavar="NAME[=WEIGHT][,...]",
                 help=QUEUES_HELP),
    click.option("-X", "--exclude-queues", multiple=True, metavar="NAME[,...]", callback=_names,
                 help="Queues not to serve, of those that would be."),
    click.option("-I", "--include", multiple=True, metavar="MODULE[,...]", callback=_names,
                 help="Modules with more tasks to import."),
    click.option("--purge", "--discard", "purge", is_flag=True,
                 help="Throw away what waits in the queues before it starts. There is no way back."),
    click.option("-c", "--concurrency", metavar="N|auto", callback=_concurrency,
                 help="Jobs at a time; default: as many as processors, or 100 coroutines."),
    click.option("--autoscale", metavar="MOST,FEWEST", callback=_autoscale,
                 help="Jobs at a time, as many as are wanted between two bounds."),
    click.option("-P", "--pool", type=click.Choice(POOLS), help="Where tasks run."),
    click.option("--pool-start-method", type=click.Choice(START_METHODS),
                 help="prefork: fork children, or spawn each as a fresh interpreter."),
    click.option("-n", "--hostname", "--name", "name", default=DEFAULT_NAME, show_default=True,
                 help="The worker's name; %h is the host's."),
    click.option("-l", "--loglevel", type=click.Choice(LEVELS, case_sensitive=False), default="warning",
                 show_default=True),
    click.option("-f", "--logfile", metavar="FILE", help="Log to this file instead of stderr."),
    click.option("--log-json", is_flag=True, default=None, help="Log one JSON object a line."),
    click.option("--pidfile", metavar="FILE", help="Write the process id here, and refuse to start while it lives."),
    click.option("-D", "--detach", is_flag=True, help="Go into the background; logs to NAME.log by default."),
    click.option("--time-limit", type=float, metavar="SECONDS", help="End a run after so long; its job fails."),
    click.option("--soft-time-limit", type=float, metavar="SECONDS",
                 help="Raise SoftTimeLimitExceeded in the task after so long."),
    click.option("-O", "--optimization", type=click.Choice(("default", "fair")),
                 help="As in Celery; a job only ever goes where it starts at once, so both are the same."),
    click.option("-E", "--task-events", "--events", "events", is_flag=True,
                 help="Tell what happens to jobs also while nobody watches."),
    click.option("--reload", is_flag=True, help="Start over when code has changed; for development."),
    click.option("--max-tasks-per-child", type=int, metavar="N", help="Replace a child after so many jobs."),
    click.option("--max-memory-per-child", type=int, metavar="KIB", help="Replace a child that has held so much."),
]
# fmt: on


def _with_options(function: Any) -> Any:
    for option in reversed(OPTIONS):
        function = option(function)
    return function


@click.command("worker")
@_with_options
@click.pass_obj
def command(target: Target, /, **given: Any) -> None:
    """Run the tasks of one or more queues until told to stop.

    SIGTERM or Ctrl-C lets running tasks finish; a second Ctrl-C, or SIGQUIT, gives them back at once.
    """
    target.include = given["include"]
    invited = invitation()
    if invited is not None:
        _be_child(target.find_app(), invited, given)
    if os.getpid() == 1:
        become_init()
    reloader = Reloader() if given["reload"] else None
    app = target.find_app() if reloader is None else reloader.import_app(target.find_app)
    name = WorkerOptions(("?",), name=given["name"]).node_name
    before = noted(app.conf)
    celeryd_init.send(name, instance=app, conf=app.conf, options=given)
    options = _read(app.conf, given)
    logfile = _logfile(options, given)
    if given["detach"]:
        detach(Path(logfile))
    with contextlib.ExitStack() as stack:
        if given["pidfile"]:
            stack.enter_context(PidFile(Path(options.fill(given["pidfile"]))))
        stream = stack.enter_context(_logging(app.conf, given, logfile))
        if given["purge"]:
            print(f"{many(app.jobs.purge(options.queues), 'job')} thrown away", file=stream)
        worker = _make(app, options, stream, before)
        if reloader is not None:
            reloader.start(worker)
        code = worker.run()
    if worker.restarting and not code:
        target.close()
        start_over()
    ignore_the_rest()
    raise SystemExit(code)


def _be_child(app: SQLQueue, invited: Invitation, given: dict[str, Any]) -> None:
    """Run jobs for the worker of the same command line that has started this process, then end it."""
    take(app.conf, invited.settings)
    options = _read(app.conf, given)
    with _logging(app.conf, given, _logfile(options, given)):
        app.close()
        make = partial(Executor, app.tasks, options.node_name)
        invited.accept(make, options.max_tasks, options.max_memory)


def _logfile(options: WorkerOptions, given: dict[str, Any]) -> str:
    return options.fill(given["logfile"] or ("%n.log" if given["detach"] else ""))


@contextlib.contextmanager
def _logging(conf: Config, given: dict[str, Any], logfile: str) -> Iterator[TextIO]:
    """Log to the file, or to stderr, while the block lasts, also what tasks print."""
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(_open(Path(logfile))) if logfile else sys.stderr
        as_json = conf.worker_log_json if given["log_json"] is None else given["log_json"]
        set_up(given["loglevel"], as_json=as_json, stream=stream, look=_look(conf))
        level = conf.worker_redirect_stdouts_level if conf.worker_redirect_stdouts else None
        stack.enter_context(Redirected(level))
        yield stream


def _look(conf: Config) -> Look:
    """Return how the settings want lines to look."""
    line, moment = conf.worker_log_format, conf.worker_log_datefmt
    in_job, moment_in_job = conf.worker_task_log_format or line, conf.worker_task_log_datefmt or moment
    return Look(line, moment, in_job, moment_in_job, conf.worker_log_color)


def _make(app: SQLQueue, options: WorkerOptions, stream: TextIO, before: dict[str, Any]) -> Worker:
    worker_init.send(options.node_name, instance=app)
    app.close()  # what importing it has opened must not be shared with children
    settings = changes(before, app.conf) if options.start_method == "spawn" else NO_SETTINGS
    source = PoolSource(options, app.tasks, settings)  # forks: before any thread and any connection
    subscribe_log(app.events)
    worker = Worker(app, options, source)
    celeryd_after_setup.send(options.node_name, instance=worker, conf=app.conf)
    handle_signals(worker)
    print_banner(app, options, stream)  # whoever sees it may already stop the worker
    app.events.subscribe(lambda _: notify("READY=1"), WorkerReady)
    app.events.subscribe(lambda _: None if worker.restarting else notify("STOPPING=1"), WorkerStopping)
    return worker


def _open(path: Path) -> TextIO:
    try:
        return path.open("a", buffering=1)
    except OSError as error:
        raise ConfigError(f"cannot write the log file {path}: {error.strerror}") from error


def _own_queue(name: str) -> tuple[str]:
    """Return the queue that only the worker of this name serves, as Celery calls it."""
    return (f"{WorkerOptions(('?',), name=name).node_name}.dq2",)


def _read(conf: Config, given: dict[str, Any]) -> WorkerOptions:
    """Return what the command line says, and the settings where it says nothing."""

    def said(option: str, setting: str) -> Any:
        return conf[setting] if given[option] is None else given[option]

    named = read_queues(given["queues"] or queue_names(conf)).without(given["exclude_queues"])
    pool = said("pool", "worker_pool")
    prefork = pool == "prefork"
    max_tasks, max_memory = given["max_tasks_per_child"], given["max_memory_per_child"]
    own = _own_queue(given["name"]) if conf.worker_direct else ()
    return WorkerOptions(
        queues=(*named.names, *own),
        weights=named.weights and {**named.weights, **dict.fromkeys(own, 1)},
        name=given["name"],
        pool=pool,
        concurrency=said("concurrency", "worker_concurrency"),
        poll_interval=conf.worker_poll_interval,
        limits=Limits(said("soft_time_limit", "task_soft_time_limit"), said("time_limit", "task_time_limit")),
        # Settings are shared by workers of every kind of pool, so they ask only those that have children.
        start_method=given["pool_start_method"] or (conf.worker_pool_start_method if prefork else "fork"),
        max_tasks=conf.worker_max_tasks_per_child if max_tasks is None and prefork else max_tasks,
        max_memory=conf.worker_max_memory_per_child if max_memory is None and prefork else max_memory,
        autoscale=given["autoscale"],
        rate_limit=conf.task_default_rate_limit,
        rate_limits=not conf.worker_disable_rate_limits,
        soft_shutdown_timeout=conf.worker_soft_shutdown_timeout,
        events=given["events"] or conf.worker_send_task_events,
    )

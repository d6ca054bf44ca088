"""Says of a module of Celery's that is not here why it is not, and what to use instead, where it is imported."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

OURS = "sqlqueue.celery."

NO_BEAT = "there is no beat yet: keep Celery's, or cron, for periodic tasks"
NO_BOOTSTEPS = "a worker has no bootsteps: connect to its signals, such as worker_init, worker_ready, worker_shutdown"
NO_COMMANDS = "use the command line: python -m sqlqueue.celery -A proj worker; or app.worker_main([...])"

NO_MODULE_OF_TASKS = "use from celery import shared_task, or app.task"

REASONS = {
    "app.amqp": "there is no broker: app.conf.task_queues are the queues",
    "app.default_app": "use from celery import current_app",
    "app.defaults": "app.conf has the settings: app.conf.humanize(with_defaults=True)",
    "app.log": "a worker's lines are shaped by the settings worker_log_format and worker_task_log_format",
    "app.registry": "app.tasks is the registry",
    "apps": NO_COMMANDS,
    "beat": NO_BEAT,
    "bin": NO_COMMANDS,
    "bootsteps": NO_BOOTSTEPS,
    "bugreport": "use app.bugreport()",
    "concurrency": "pools are named, not imported: -P prefork, threads, asyncio or solo",
    "contrib.abortable": "revoke a running task with result.revoke(terminate=True)",
    "contrib.migrate": "jobs are rows: move them with SQL, or with sqlqueue job",
    "contrib.rdb": "use breakpoint() in a task of a worker with -P solo",
    "contrib.sphinx": "it documents tasks in Celery's own pages",
    "decorators": NO_MODULE_OF_TASKS,
    "events.snapshot": "there are no cameras: use app.events.Receiver, or look at the tables",
    "fixups": "a Django project is found by itself",
    "loaders": "settings are read with app.config_from_object()",
    "platforms": "use a supervisor, such as systemd, or sqlqueue multi",
    "schedules": NO_BEAT,
    "security": "jobs are signed with a shared key, the setting task_signing_keys",
    "task": NO_MODULE_OF_TASKS,
    "utils": "of Celery's own helpers only those are here that docs/celery.md names: use Python's, or kombu's",
    "worker.autoscale": "use --autoscale=10,3",
    "worker.components": NO_BOOTSTEPS,
    "worker.request": "connect to signals, such as task_received, task_failure, task_revoked",
    "worker.WorkController": "start one with app.worker_main(['worker', ...])",
}
"""By the module, or by the package that it is in."""


class _Absent(MetaPathFinder):
    """Asked last: what comes here was found by nobody."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        del path, target
        if name.startswith(OURS):
            theirs = name.removeprefix(OURS)  # of another name than was asked for: Python would keep silent about that
            raise ModuleNotFoundError(message(theirs), name=f"celery.{theirs}")


def message(name: str) -> str:
    """Say why Celery's part of that name, without ``celery.``, is not here."""
    parts = name.split(".")
    heads = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    reason = next((REASONS[head] for head in heads if head in REASONS), "docs/celery.md lists what there is")
    return f"celery.{name} is not here: {reason}"


sys.meta_path.append(_Absent())

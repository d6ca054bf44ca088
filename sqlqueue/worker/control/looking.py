"""Questions to a worker, one function each. The answers have Celery's shapes, so that what reads those reads these."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.clock import SYSTEM_CLOCK, monotonic
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.jobs import list_jobs
from sqlqueue.store.ops.revoked import revoked as revoked_ids
from sqlqueue.worker.control.shapes import of_queue, of_running, of_scheduled, of_waiting
from sqlqueue.worker.report import report as report_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.worker.control.panel import Panel

MANY = 1000
"""Jobs in one answer."""

SHOWN = ("rate_limit",)
"""What is said of a task when nobody names anything, where it has it."""


def ping(_: Panel) -> dict[str, str]:
    """Say pong."""
    return {"ok": "pong"}


def active(panel: Panel, safe: Any = None) -> list[dict[str, Any]]:  # noqa: ARG001 - Celery's
    """List the jobs that run."""
    return [of_running(one, panel.epoch + one.started, panel.hostname) for one in panel.pool.survey().running]


def reserved(panel: Panel, safe: Any = None) -> list[dict[str, Any]]:  # noqa: ARG001 - Celery's
    """List the jobs that are claimed and have not started."""
    return [of_waiting(job, panel.hostname) for job in panel.pool.survey().waiting]


def scheduled(panel: Panel, safe: Any = None) -> list[dict[str, Any]]:  # noqa: ARG001 - Celery's
    """List the jobs of this worker's queues that are not due yet; no worker holds them, so others list them too."""
    found = []
    for queue in panel.registration.queues:
        found += panel.link.read(list_jobs, Which(queue=queue, state=State.SCHEDULED), MANY)
    late = SYSTEM_CLOCK.now()
    found.sort(key=lambda row: row.run_at or late)
    return [of_scheduled(row, panel.hostname) for row in found[:MANY]]


def query_task(panel: Panel, ids: Sequence[str]) -> dict[str, list[Any]]:
    """Say of jobs what this worker does with them: each is ``active`` or ``reserved``; others are left out."""
    wanted = {ids} if isinstance(ids, str) else set(ids)
    states = {"reserved": reserved(panel), "active": active(panel)}
    return {info["id"]: [state, info] for state, jobs in states.items() for info in jobs if info["id"] in wanted}


def registered(panel: Panel, taskinfoitems: Sequence[str] | None = None, *, builtins: bool = False) -> list[str]:
    """List the tasks it knows, with what is said of them: ``name [rate_limit=10/m]``."""
    tasks = panel.app.tasks
    names = [*tasks, *(tasks.builtin if builtins else ())]
    return [_described(tasks[name], taskinfoitems or SHOWN) for name in sorted(names)]


def _described(task: Any, items: Sequence[str]) -> str:
    said = {item: getattr(task, item, getattr(task.settings, item, None)) for item in items}
    words = [f"{item}={value}" for item, value in said.items() if value is not None]
    return f"{task.name} [{' '.join(words)}]" if words else str(task.name)


def revoked(panel: Panel) -> list[str]:
    """List jobs that were revoked lately, whichever worker held them."""
    return panel.link.read(revoked_ids, MANY)


def hello(panel: Panel, from_node: str, **_: Any) -> dict[str, Any]:  # noqa: ARG001 - Celery's
    """Say which jobs were revoked lately, and the clock, as workers of Celery greet each other."""
    return {"revoked": revoked(panel), **clock(panel)}


def active_queues(panel: Panel) -> list[dict[str, Any]]:
    """List the queues it serves."""
    return [of_queue(name) for name in panel.registration.queues]


def stats(panel: Panel) -> dict[str, Any]:
    """Say how it is: what it has done, its pool, its database, what it has used."""
    url = panel.app.broker
    return {
        "total": panel.totals.by_task(),
        "pid": os.getpid(),
        "clock": str(clock(panel)["clock"]),
        "uptime": round(monotonic() - panel.started),
        "pool": _pool(panel),
        "broker": {
            "transport": url.get_backend_name(), "hostname": url.host, "port": url.port, "userid": url.username,
            "virtual_host": url.database,
        },
        "events": _events(panel),
        "prefetch_count": panel.pool.concurrency,
        "rusage": _rusage(),
    }  # fmt: skip


def _pool(panel: Panel) -> dict[str, Any]:
    options, scaler = panel.options, panel.autoscaler
    bounds = {"autoscaler": {"max": scaler.most, "min": scaler.fewest}} if scaler.on else {}
    return {
        "implementation": panel.pool.kind,
        "max-concurrency": panel.pool.concurrency,
        "processes": panel.pool.processes,
        "max-tasks-per-child": options.max_tasks if options.max_tasks is not None else "N/A",
        "timeouts": [options.limits.soft or 0, options.limits.hard or 0],
        "running": panel.pool.running,
        **bounds,
    }


def _events(panel: Panel) -> dict[str, Any]:
    stream = panel.stream
    return {
        "tasks": stream.tells_tasks,
        "enabled": stream.enabled,
        "watched": stream.watched,
        "dropped": stream.dropped,
    }


def _rusage() -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    names = ("utime", "stime", "maxrss", "ixrss", "idrss", "isrss", "minflt", "majflt", "nswap", "inblock", "oublock",
             "msgsnd", "msgrcv", "nsignals", "nvcsw", "nivcsw")  # fmt: skip
    return {name: getattr(used, f"ru_{name}") for name in names}


def conf(panel: Panel, *, with_defaults: bool = False) -> dict[str, str]:
    """Say its settings, secrets hidden: those that were changed, or all."""
    return panel.app.conf.table(with_defaults=with_defaults)


def report(panel: Panel) -> dict[str, str]:
    """Say versions, tasks and settings, as ``sqlqueue report`` does."""
    return {"ok": report_of(panel.app)}


def clock(panel: Panel) -> dict[str, int]:
    """Say for how many milliseconds it has been running: the database orders what happens, so no clock is kept."""
    return {"clock": int((monotonic() - panel.started) * 1000) + 1}


def memsample(panel: Panel) -> str:
    """Say how much memory the worker and its processes hold now; what is shared counts for each."""
    pids = {os.getpid(), *panel.pool.processes}
    panel.samples.append(f"{sum(map(_resident, pids)) / 1024:.1f}MB")
    return panel.samples[-1]


def memdump(panel: Panel, samples: int = 10) -> list[str]:
    """Say what ``memsample`` has found, the latest last."""
    return list(panel.samples)[-int(samples) :]


def objgraph(_: Panel, **__: Any) -> dict[str, str]:
    """Refuse: it would need a library in the worker."""
    return {"error": "there is no objgraph here: use memsample, and a memory profiler in the task"}


def _resident(pid: int) -> int:
    """Return the KiB that a process holds; of one that cannot be looked at, nothing."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return 0 if pid != os.getpid() else used if sys.platform == "linux" else used // 1024
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)

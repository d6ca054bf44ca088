"""Changes to a running worker, one function each. They hold until it ends; the answers are Celery's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.domain.limits import Limits, complaint
from sqlqueue.domain.words import many
from sqlqueue.errors import ConfigError
from sqlqueue.store.ops.workers import beat
from sqlqueue.worker.shutdown import Shutdown

if TYPE_CHECKING:
    from sqlqueue.worker.control.panel import Panel

Answer = dict[str, str]


def rate_limit(panel: Panel, task_name: str, rate_limit: str | float | None = None) -> Answer:
    """Let a task start only so often in this worker, such as 10/m; 0 for as often as it likes."""
    _check_task(panel, task_name)
    panel.pool.set_rate(task_name, rate_limit)
    return _ok("new rate limit set successfully" if rate_limit else "rate limit disabled successfully")


def time_limit(panel: Panel, task_name: str, soft: float | None = None, hard: float | None = None) -> Answer:
    """Change the soft and the hard time limit of a task, for jobs that start from now on; in seconds."""
    _check_task(panel, task_name)
    wrong = complaint(soft, hard)
    if wrong is not None:
        raise ConfigError(wrong)
    panel.pool.limits.set(task_name, Limits(soft, hard))
    return _ok("time limits set successfully")


def add_consumer(panel: Panel, queue: str, *_: Any, **__: Any) -> Answer:
    """Serve a queue too."""
    if not queue:
        raise ConfigError(f"{queue!r} is no name of a queue")
    queues = list(panel.registration.queues)
    if queue in queues:
        return _ok(f"already consuming from {queue!r}")
    panel.worker.serve([*queues, queue])
    return _ok(f"add consumer {queue}")


def cancel_consumer(panel: Panel, queue: str) -> Answer:
    """Serve a queue no more; what is claimed already is finished."""
    panel.worker.serve([one for one in panel.registration.queues if one != queue])
    return _ok(f"no longer consuming from {queue}")


def pool_grow(panel: Panel, n: int = 1) -> Answer:
    """Run so many more jobs at a time."""
    _resize(panel, n, "pool_grow")
    return _ok("pool will grow")


def pool_shrink(panel: Panel, n: int = 1) -> Answer:
    """Run so many jobs fewer at a time; what runs already goes on."""
    _resize(panel, -n, "pool_shrink")
    return _ok("pool will shrink")


def _resize(panel: Panel, by: int, name: str) -> None:
    if panel.autoscaler.on:
        raise ConfigError(f"{name} is not supported with autoscale. Adjust autoscale range instead.")
    now = panel.pool.concurrency
    if now + by < 1:
        raise ConfigError(f"a pool of {now} cannot shrink by {-by}: it must run one job at a time at least")
    panel.worker.resize(now + by)


def pool_restart(panel: Panel, modules: Any = None, reload: bool = False, **_: Any) -> Answer:
    """Replace every child, after its present job; the code is what it was when the worker started."""
    if modules or reload:
        raise ConfigError(
            "children are forked from what was imported at the start: for new code send the worker SIGHUP"
        )
    panel.pool.resize(panel.pool.concurrency, anew=True)
    return _ok("reload started")


def autoscale(panel: Panel, max: int, min: int | None = None) -> Answer:  # noqa: A002 - Celery's
    """Run as many jobs at a time as are wanted, between two bounds."""
    fewest = (panel.autoscaler.fewest or 1) if min is None else min
    if not 1 <= fewest <= max:
        raise ConfigError(f"autoscale is {max},{fewest}: use MOST FEWEST with MOST >= FEWEST >= 1")
    if max > panel.pool.room:
        raise ConfigError(f"this pool has room for {many(panel.pool.room, 'job')} at a time, not for {max}")
    panel.autoscaler.turn_on(fewest, max)
    return _ok(f"autoscale now max={max} min={fewest}")


def shutdown(panel: Panel, **_: Any) -> Answer:
    """End the worker, in good order: running jobs are finished."""
    panel.worker.stop(Shutdown.WARM)
    return _ok("shutting down")


def heartbeat(panel: Panel) -> Answer:
    """Let the worker's beat be seen now."""
    panel.link.run(beat, panel.registration.incarnation)
    panel.stream.beat()
    return _ok("beat")


def enable_events(panel: Panel) -> Answer:
    """Tell of tasks in the stream of events, whether or not somebody watches."""
    return _ok("task events enabled" if panel.stream.enable(True) else "task events already enabled")


def disable_events(panel: Panel) -> Answer:
    """Tell nothing of tasks, whoever watches."""
    return _ok("task events disabled" if panel.stream.enable(False) else "task events already disabled")


def _check_task(panel: Panel, name: str) -> None:
    if name not in panel.app.tasks:
        raise ConfigError("unknown task")


def _ok(words: str) -> Answer:
    return {"ok": words}

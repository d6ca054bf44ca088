"""Events to log lines: the only place where the life of jobs and workers is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlqueue.domain.outcome import RATE_LIMITED
from sqlqueue.domain.words import jobs_that
from sqlqueue.events.catalog import (
    Event,
    JobCrashed,
    JobFailed,
    JobRetried,
    JobReturned,
    JobRevoked,
    JobsRescued,
    JobSucceeded,
    QueuePaused,
    QueueResumed,
    SettlementRefused,
    WorkerReady,
    WorkerStopped,
    WorkerStopping,
    WorkerTwin,
)

if TYPE_CHECKING:
    from sqlqueue.events.bus import Bus

logger = logging.getLogger("sqlqueue.worker")

MAX_SHOWN = 200
"""Characters of a result or an error in a log line."""


def log_event(event: Event) -> None:
    """Write one line about an event."""
    match event:
        case JobSucceeded(id_, task, runtime, result):
            logger.info("%s[%s] succeeded in %.3f s: %s", task, id_, runtime, _short(result or "None"))
        case JobFailed(id_, task, error, traceback):
            level = logging.ERROR if traceback else logging.INFO
            trace = f"\n{traceback.rstrip()}" if traceback else ""
            logger.log(level, "%s[%s] failed: %s%s", task, id_, _short(error), trace)
        case JobRetried(id_, task, delay, error):
            logger.info("%s[%s] will be retried in %.1f s: %s", task, id_, delay, _short(error))
        case JobRevoked(id_, task, reason):
            logger.info("%s[%s] revoked: %s", task, id_, reason)
        case JobReturned(id_, task, reason, delay):
            level = logging.DEBUG if reason == RATE_LIMITED else logging.WARNING
            logger.log(level, "%s[%s] goes back for %.0f s: %s", task, id_, delay, reason)
        case JobCrashed(id_, task, reason):
            logger.error("%s[%s] lost its process: %s", task, id_, reason)
        case SettlementRefused(id_):
            logger.warning("job %s was no longer ours; its outcome is dropped", id_)
        case JobsRescued(worker, reason, back, lost):
            logger.warning(
                "worker %s is dead (%s): %s, %d failed",
                worker,
                reason,
                jobs_that(back, "waits again", "wait again"),
                lost,
            )
        case WorkerReady(name):
            logger.info("%s is ready", name)
        case WorkerStopping(name, running, how):
            logger.info("%s: %s shutdown, %s", name, how, jobs_that(running, "running", "running"))
        case WorkerStopped(name):
            logger.info("%s has stopped", name)
        case QueuePaused(queue):
            logger.info("no longer claims from %s: it is paused", queue)
        case QueueResumed(queue):
            logger.info("claims from %s again", queue)
        case WorkerTwin(name, pid):
            logger.warning("another live worker (pid %d) is called %s too: give each a name with --hostname", pid, name)


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def subscribe_log(bus: Bus) -> None:
    """Log every event that the logger's level lets through."""
    quiet = {JobSucceeded, JobRetried, JobRevoked, WorkerReady, WorkerStopping, WorkerStopped}
    quiet |= {QueuePaused, QueueResumed}
    loud = {JobFailed, JobReturned, JobCrashed, SettlementRefused, JobsRescued, WorkerTwin}
    bus.subscribe(log_event, *loud, *(quiet if logger.isEnabledFor(logging.INFO) else ()))

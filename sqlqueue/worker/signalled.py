"""Signals of the worker's parent: most are events under Celery's names, sent from where the event is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue import signals
from sqlqueue.domain.outcome import NOT_REGISTERED
from sqlqueue.events.catalog import JobReturned, JobRevoked, JobsClaimed, WorkerReady, WorkerStopped, WorkerStopping
from sqlqueue.tasks.context import Context

if TYPE_CHECKING:
    from sqlqueue.events.bus import Bus


def subscribe_signals(bus: Bus) -> Bus:
    """Send signals for these events, and return the bus; all are rare, or come in batches: nobody need listen yet."""
    bus.subscribe(_claimed, JobsClaimed)
    bus.subscribe(_revoked, JobRevoked)
    bus.subscribe(_returned, JobReturned)
    bus.subscribe(lambda event: signals.worker_ready.send(event.name), WorkerReady)  # type: ignore[union-attr]
    bus.subscribe(_stopping, WorkerStopping)
    bus.subscribe(lambda event: signals.worker_shutdown.send(event.name), WorkerStopped)  # type: ignore[union-attr]
    return bus


def _claimed(event: Any) -> None:
    if signals.task_received:
        for job in event.jobs:
            signals.task_received.send(event.worker, request=Context(job, event.worker))


def _revoked(event: Any) -> None:
    signals.task_revoked.send(
        event.task, request=event, terminated=False, signum=None, expired=event.reason.startswith("expired")
    )


def _returned(event: Any) -> None:
    if event.reason.startswith(NOT_REGISTERED):
        signals.task_unknown.send(event.task, message=event, exc=event.reason, name=event.task, id=event.id)
    else:
        signals.task_rejected.send(event.task, message=event, exc=event.reason)


def _stopping(event: Any) -> None:
    signals.worker_shutting_down.send(event.name, sig=None, how=event.how, exitcode=0)

"""Jobs and queues in the shapes in which Celery's workers describe them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlqueue.domain.job import Job
    from sqlqueue.store.ops.jobs import JobRow
    from sqlqueue.worker.pools.pool import Executing

ETA_PRIORITY = 6
"""What Celery's timer says of every job that waits for its time."""


def of_running(one: Executing, started: float, hostname: str) -> dict[str, Any]:
    """Describe a job that runs since ``started``, in seconds since 1970."""
    early = not one.job.acks_late
    return _of_job(one.job, hostname, early) | {"time_start": started, "worker_pid": one.pid}


def of_waiting(job: Job, hostname: str) -> dict[str, Any]:
    """Describe a job that a worker holds and has not started."""
    return _of_job(job, hostname, acknowledged=False)


def of_scheduled(row: JobRow, hostname: str) -> dict[str, Any]:
    """Describe a job that is not due yet."""
    request = _request(row, hostname, acknowledged=False)
    request["delivery_info"]["redelivered"] = row.attempt > 0
    return {"eta": row.run_at.isoformat() if row.run_at else None, "priority": ETA_PRIORITY, "request": request}


def _of_job(job: Job, hostname: str, acknowledged: bool) -> dict[str, Any]:
    request = _request(job, hostname, acknowledged=acknowledged)
    request["delivery_info"]["redelivered"] = job.attempt > 1
    return request


def _request(job: Job | JobRow, hostname: str, *, acknowledged: bool) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.task,
        "args": json.loads(job.args),
        "kwargs": json.loads(job.kwargs),
        "type": job.task,
        "hostname": hostname,
        "time_start": None,
        "acknowledged": acknowledged,
        "delivery_info": {"exchange": "", "routing_key": job.queue, "priority": job.priority, "redelivered": False},
        "worker_pid": None,
    }


def of_queue(name: str) -> dict[str, Any]:
    """Describe a queue; there are no exchanges here, so each has the one that Celery would make for it."""
    exchange = {
        "name": name, "type": "direct", "arguments": None, "durable": True, "passive": False, "auto_delete": False,
        "delivery_mode": None, "no_declare": False,
    }  # fmt: skip
    return {
        "name": name, "exchange": exchange, "routing_key": name, "queue_arguments": None, "binding_arguments": None,
        "consumer_arguments": None, "durable": True, "exclusive": False, "auto_delete": False, "no_ack": False,
        "alias": None, "bindings": [], "no_declare": None, "expires": None, "message_ttl": None, "max_length": None,
        "max_length_bytes": None, "max_priority": None,
    }  # fmt: skip

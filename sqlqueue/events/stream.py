"""Events in Celery's words, as whoever watches workers from afar reads them: dicts with a ``type``. Pure.

Who writes them down is ``worker.stream``, and in senders ``client.dispatching``; who reads them, ``client.receiving``.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from sqlqueue.events.catalog import JobCrashed, JobFailed, JobRetried, JobReturned, JobRevoked, JobSucceeded
from sqlqueue.serialization.json import decode

if TYPE_CHECKING:
    from sqlqueue.domain.job import Job, NewJob
    from sqlqueue.events.catalog import Event

Fields = dict[str, Any]

MAX_SHOWN = 1024
"""Characters of arguments, a result, an error in an event: Celery's ``resultrepr_maxsize``."""

MAX_READ = 20_000
"""Characters of JSON that are read to be shown; of longer ones the beginning is shown as it is."""

ENDS = (JobSucceeded, JobFailed, JobRetried, JobRevoked, JobReturned, JobCrashed)
"""What may become of a run."""

RAN = (JobSucceeded, JobFailed, JobRetried)
"""Those that tell how long it was."""


def event_of(type_: str, hostname: str, pid: int, timestamp: float, fields: Fields) -> Fields:
    """Return an event: what all have in common, and ``fields``.

    Parameters
    ----------
    timestamp: seconds since 1970.
    """
    common = {"type": type_, "hostname": hostname, "pid": pid, "timestamp": timestamp, "utcoffset": utcoffset()}
    return {**common, **fields}


def utcoffset() -> int:
    """Return how many hours this machine's time is behind UTC."""
    return (time.altzone if time.daylight and time.localtime().tm_isdst else time.timezone) // 3600


def received(job: Job) -> Fields:
    """Say of a claimed job what it is."""
    moments = json.loads(job.moments) if job.moments else {}
    return {
        **_about(job),
        "retries": job.retries,
        "eta": moments.get("eta"),
        "expires": moments.get("expires"),
    }


def sent(job: NewJob) -> Fields:
    """Say of a job that was sent what it is."""
    return {
        **_about(job),
        "retries": 0,
        "eta": job.run_at.isoformat() if job.run_at else None,
        "expires": job.expires_at.isoformat() if job.expires_at else job.expires,
        "queue": job.queue,
        "exchange": "",
        "routing_key": job.queue,
    }


def _about(job: Job | NewJob) -> Fields:
    """Say what is called, as the caller wants it shown."""
    asked = json.loads(job.options) if job.options else {}
    return {
        "uuid": job.id,
        "name": asked.get("shadow") or job.task,
        "args": _short(str(asked.get("argsrepr") or shown_args(job.args))),
        "kwargs": _short(str(asked.get("kwargsrepr") or shown(job.kwargs))),
        "root_id": job.root_id or job.id,
        "parent_id": job.parent_id,
    }


def ended(event: Event) -> tuple[str, Fields]:
    """Return the type and the fields of what became of a run."""
    match event:
        case JobSucceeded(id_, _, runtime, result):
            return "task-succeeded", {"uuid": id_, "result": shown(result or "null"), "runtime": runtime}
        case JobFailed(id_, _, error, traceback, _):
            return "task-failed", {"uuid": id_, "exception": _short(error), "traceback": traceback}
        case JobRetried(id_, _, _, error, traceback, _):
            return "task-retried", {"uuid": id_, "exception": _short(error), "traceback": traceback}
        case JobRevoked(id_, _, reason):
            by, expired = reason.removeprefix("terminated by "), reason.startswith("expired")
            signum = by if by != reason else None
            return "task-revoked", {
                "uuid": id_, "terminated": signum is not None, "signum": signum, "expired": expired, "reason": reason,
            }  # fmt: skip
        case JobCrashed(id_, _, reason, True):
            return "task-failed", {"uuid": id_, "exception": _short(f"WorkerLost: {reason}"), "traceback": None}
        case JobCrashed(id_, _, reason, _) | JobReturned(id_, _, reason, _):
            return "task-rejected", {"uuid": id_, "requeue": True, "reason": reason}
    raise TypeError(type(event))


def shown_args(text: str) -> str:
    """Return positional arguments, JSON text, as Python shows them."""
    found = _read(text)
    return _short(repr(tuple(found))) if isinstance(found, list) else _short(text)


def shown(text: str) -> str:
    """Return a value, JSON text, as Python shows it."""
    found = _read(text)
    return _short(text if found is text else repr(found))


def _read(text: str) -> Any:
    if len(text) > MAX_READ:
        return text
    try:
        return decode(text)
    except Exception:  # noqa: BLE001 - somebody's own INSERT may hold anything, and is only to be shown
        return text


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."

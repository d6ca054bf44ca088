"""Signals around sending: only called while somebody is connected to one of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlqueue import signals
from sqlqueue.client.contents import just_written
from sqlqueue.errors import EncodingError
from sqlqueue.serialization.json import decode, encode
from sqlqueue.serialization.sizes import TASK_SIZE, of_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import NewJob


def before(jobs: Sequence[NewJob], most: int) -> list[NewJob]:
    """Tell of jobs that are about to be inserted; return them with the headers that receivers have left.

    Parameters
    ----------
    most: bytes that headers may be.

    Raises
    ------
    EncodingError: a receiver has left some that could not be stored.
    """
    return [_before(job, most) for job in jobs]


def _before(job: NewJob, most: int) -> NewJob:
    ours = _about(job)
    own = decode(job.headers, just_written) if job.headers else {}
    headers = {**ours, **own}
    signals.before_task_publish.send(job.task, **_message(job), headers=headers)
    kept = {name: value for name, value in headers.items() if name not in ours}
    if kept == own:
        return job
    try:
        return job._replace(headers=encode(kept, "headers", most) if kept else None)
    except EncodingError as error:
        raise of_task(error, job.task, TASK_SIZE) from None


def after(jobs: Sequence[NewJob]) -> None:
    """Tell of jobs that have been inserted; their transaction may still be open."""
    for job in jobs:
        own = decode(job.headers, just_written) if job.headers else {}
        signals.after_task_publish.send(job.task, **_message(job), headers={**_about(job), **own})


def _message(job: NewJob) -> dict[str, Any]:
    """Return a job as the parts of one of Celery's messages."""
    options = json.loads(job.options) if job.options else {}
    embedded = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    properties = {"correlation_id": job.id, "priority": job.priority, "reply_to": None}
    return {
        "body": (
            decode(job.args, just_written),
            decode(job.kwargs, just_written),
            {**embedded, **options.get("embedded", {})},
        ),
        "exchange": "",
        "routing_key": job.queue,
        "declare": [job.queue],
        "properties": properties,
        "retry_policy": {},
    }


def _about(job: NewJob) -> dict[str, Any]:
    """Return what the headers of one of Celery's messages say of a job."""
    options = json.loads(job.options) if job.options else {}
    own = decode(job.headers, just_written) if job.headers else {}
    return {
        "lang": "py",
        "task": job.task,
        "id": job.id,
        "shadow": options.get("shadow"),
        "eta": job.run_at.isoformat() if job.run_at else None,
        "expires": job.expires_at.isoformat() if job.expires_at else job.expires,
        "group": job.group_id,
        "retries": 0,
        "timelimit": [options.get("time_limit"), options.get("soft_time_limit")],
        "root_id": job.root_id or job.id,
        "parent_id": job.parent_id,
        "argsrepr": options.get("argsrepr") or repr(tuple(decode(job.args, just_written))),
        "kwargsrepr": options.get("kwargsrepr") or repr(decode(job.kwargs, just_written)),
        "ignore_result": bool(options.get("ignore_result")),
        "stamps": {name: own[name] for name in own.get("stamped_headers", ()) if name in own},
    }

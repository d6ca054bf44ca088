"""Signatures on jobs: who does not have the key cannot make a worker call a task.

HMAC with SHA-256 (RFC 2104, FIPS 180-4) over the task's name and the arguments of the call. What the database puts
before them later, the results of earlier steps or the id of a job that failed, is not the sender's and is not signed:
the signature says how many of the last arguments are. Next room: ``client.building``, which signs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from sqlqueue.errors import UntrustedJob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.domain.job import Job, NewJob

NOTE = "signature"
"""Where it stands among the options of a job."""


def signed(job: NewJob, keys: Sequence[str]) -> NewJob:
    """Return a job with a signature by the first key; without keys as it is."""
    if not keys:
        return job
    text = json.dumps({NOTE: note(job.task, json.loads(job.args), json.loads(job.kwargs), keys)})
    return job._replace(
        options=text if job.options is None or job.options == "{}" else f"{text[:-1]},{job.options[1:]}"
    )


def note(task: str, args: list[Any], kwargs: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return what a job carries: how many arguments are signed, and the signature.

    Parameters
    ----------
    args, kwargs: as they are in their columns, read as plain JSON.
    """
    return {"args": len(args), "hmac": _mac(keys[0], task, args, kwargs)}


def signed_again(job: Job, change: str, keys: Sequence[str]) -> str:
    """Return what another try changes of its job, with a signature over what the job will be then.

    Parameters
    ----------
    change: JSON text, see `change_of`.
    """
    new = json.loads(change)
    if not keys or not new.keys() & {"args", "kwargs"}:
        return change
    options = new.get("options") or json.loads(job.options or "{}")
    args = new["args"] if "args" in new else _own(json.loads(job.args), options)
    kwargs = new["kwargs"] if "kwargs" in new else json.loads(job.kwargs)
    new["options"] = {**options, NOTE: note(job.task, args, kwargs, keys)}
    return json.dumps(new)


def check(job: Job, keys: Sequence[str]) -> None:
    """Let a job pass that one of the keys has signed, and every job when there are none.

    Raises
    ------
    UntrustedJob: it was signed by somebody else, or not at all, or changed since.
    """
    if not keys:
        return
    try:
        options = json.loads(job.options or "{}")
        given, args, kwargs = options[NOTE]["hmac"], _own(json.loads(job.args), options), json.loads(job.kwargs)
        right = [_mac(key, job.task, args, kwargs) for key in keys]
        trusted = any([hmac.compare_digest(str(given), one) for one in right])  # noqa: C419 - none is skipped
    except (KeyError, TypeError, ValueError):
        trusted = False
    if not trusted:
        raise UntrustedJob(
            f"{job.task}[{job.id}] has no signature by a key of task_signing_keys: its sender has another key or none,"
            " or its row was changed; give sender and worker the same key"
        )


def _own(args: list[Any], options: dict[str, Any]) -> list[Any]:
    """Return the arguments that are the sender's, the last ones."""
    count = options[NOTE]["args"] if NOTE in options else len(args)
    if type(count) is not int or not 0 <= count <= len(args):
        raise ValueError(count)
    return args[len(args) - count :]


def _mac(key: str, task: str, args: list[Any], kwargs: dict[str, Any]) -> str:
    text = json.dumps([task, args, kwargs], sort_keys=True, separators=(",", ":"))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()

"""What the record of a job says to its caller. Celery's names for states live here, at the border, and nowhere else."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypedDict

from sqlqueue.domain.states import State
from sqlqueue.errors import TaskRevoked
from sqlqueue.serialization.failures import restore
from sqlqueue.serialization.json import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.client.contents import Contents
    from sqlqueue.store.ops.results import Record

CELERY_STATES = {
    State.BLOCKED: "PENDING",
    State.SCHEDULED: "PENDING",
    State.READY: "PENDING",
    State.RUNNING: "STARTED",
    State.SUCCEEDED: "SUCCESS",
    State.FAILED: "FAILURE",
    State.REVOKED: "REVOKED",
}


RETRY = "RETRY"


class WaitOptions(TypedDict, total=False):
    """What ``get()`` takes besides its timeout, in Celery's words.

    callback: called with the job's id and its value before that is returned.
    on_interval: called every ``interval`` seconds while it waits; ``interval`` is 0.5 unless said.
    disable_sync_subtasks: False allows to wait inside a task.
    follow_parents, no_ack, on_message: Celery's; taken, and without effect.
    """

    callback: Callable[[str, Any], object] | None
    interval: float
    on_interval: Callable[[], object] | None
    disable_sync_subtasks: bool
    follow_parents: Any
    no_ack: Any
    on_message: Any


_KNOWN = frozenset(WaitOptions.__annotations__)


def check_wait(options: WaitOptions, timeout: object = None) -> None:
    """Raise TypeError for an option that waiting does not know: a timeout that is spelt wrong would wait for ever."""
    check_timeout(timeout)
    if options and not _KNOWN.issuperset(options):
        unknown = sorted(options.keys() - _KNOWN)
        near = difflib.get_close_matches(unknown[0], [*_KNOWN, "timeout", "propagate"], n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"use timeout, propagate, {', '.join(sorted(_KNOWN))}"
        raise TypeError(f"waiting for a result takes no {', '.join(unknown)}: {meant}")


def check_timeout(timeout: object) -> None:
    """Raise TypeError for a time-out that is no number of seconds."""
    if timeout is not None and not isinstance(timeout, int | float):
        raise TypeError(f"timeout is {timeout!r}: use seconds, or None to wait for ever")


def celery_state(record: Record | None) -> str:
    """Return Celery's word for a job's state; one that the database does not know is PENDING."""
    if record is None:
        return "PENDING"
    if record.told is not None:
        return record.told
    if record.retries and record.state in (State.SCHEDULED, State.READY):
        return RETRY
    return CELERY_STATES[record.state]


def value_of(record: Record, contents: Contents) -> Any:
    """Return what the task returned; raises EncodingError when ``contents`` may not read it."""
    return None if record.result is None else decode(record.result, contents.result)


def told_by(record: Record | None, contents: Contents) -> Any:
    """Return what a job that is not over says: what it tells while it runs, why it is tried again, None for nothing."""
    if record is None:
        return None
    if celery_state(record) == RETRY:
        return exception_of(record, contents)
    return None if record.meta is None else decode(record.meta)


def exception_of(record: Record, contents: Contents) -> BaseException:
    """Return what the task raised, or that it was revoked."""
    if record.state is State.REVOKED:
        return TaskRevoked(f"job {record.id} was revoked: {record.error}")
    return restore(record.exception, record.error, contents.result)

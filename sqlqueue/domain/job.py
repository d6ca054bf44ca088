"""A job as a row to be (`NewJob`) and as a row that a worker holds (`Job`)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

FRONT_LANE_OFFSET = 1 << 62
"""A returned or rescued job keeps its order in the front lane: its ``seq`` less this number, below zero."""


class Conflict(StrEnum):
    """What becomes of a call whose key another job has."""

    IGNORE = "ignore"  # the other job stands for it
    REPLACE = "replace"  # the other job, if it still waits, makes this call instead
    RAISE = "raise"  # the caller is told


class Unique(NamedTuple):
    """The key that only one job may have: while it is not over, and for ``seconds`` after it was sent."""

    key: str
    seconds: float | None = None
    conflict: Conflict = Conflict.IGNORE


class NewJob(NamedTuple):
    """One call of one task, ready to be inserted; those that everybody gives first.

    Parameters
    ----------
    args, kwargs: JSON text, an array and an object.
    delay: seconds from the database's now until the job is due; None: due at once, or at ``run_at``.
    run_at: the moment from which the job is due, UTC.
    expires: seconds from the database's now after which the job must not start any more.
    expires_at: the same as a moment, UTC.
    given_id: whether the caller chose the id, so that a second send must find the first.
    parent_id: the job that sent it; root_id: the one with which all that began.
    group_id: the group that it is a member of.
    acks_late: False for at most once.
    max_crashes: how many deaths of its worker the job may cause before it ends as failed.
    headers: JSON text or None: what the caller lets travel with the job.
    options: JSON text or None: what this call asks of the worker that is not the default.
    unique: the key that only one job may have.
    limits: the limits of the whole fleet that it is under, see `quota.write_limits`.
    blocked: whether it waits for other jobs, and not for its time.
    """

    id: str
    task: str
    queue: str
    args: str = "[]"
    kwargs: str = "{}"
    priority: int = 0
    acks_late: bool = True
    max_crashes: int = 3
    given_id: bool = False
    parent_id: str | None = None
    root_id: str | None = None
    group_id: str | None = None
    delay: float | None = None
    run_at: datetime | None = None
    expires: float | None = None
    expires_at: datetime | None = None
    headers: str | None = None
    options: str | None = None
    blocked: bool = False
    unique: Unique | None = None
    limits: str | None = None

    @property
    def due_now(self) -> bool:
        """Whether the job may be claimed as soon as it is committed."""
        return self.delay is None and self.run_at is None

    @property
    def is_plain(self) -> bool:
        """Whether the job says nothing but what nearly every job says: its fields from ``parent_id`` on not given."""
        return self[_UNUSUAL] == _NOT_UNUSUAL

    @property
    def is_common(self) -> bool:
        """The same, but for its family."""
        return self[_RARE] == _NOT_RARE

    def again(self, id_: str, args: str, kwargs: str) -> NewJob:
        """Return the same call with other arguments; quicker than ``_replace``."""
        return NewJob._make((id_, self.task, self.queue, args, kwargs, *tuple(self)[_SHARED]))

    def is_alike(self, other: NewJob) -> bool:
        """Whether the two differ in nothing but their ids and arguments."""
        return self[_SHARED] == other[_SHARED] and self[1:3] == other[1:3]


_SHARED = slice(NewJob._fields.index("priority"), None)
_UNUSUAL = slice(NewJob._fields.index("parent_id"), None)
_RARE = slice(NewJob._fields.index("delay"), None)
_NOT_UNUSUAL = tuple(NewJob._field_defaults[name] for name in NewJob._fields[_UNUSUAL])
_NOT_RARE = tuple(NewJob._field_defaults[name] for name in NewJob._fields[_RARE])


class Job(NamedTuple):
    """A claimed job: the row as its worker holds it. A tuple, since tens of thousands a second are made.

    ``moments`` is JSON text: when it was due and when it expires (``eta``, ``expires``); None when nobody said.
    ``worker``, the incarnation that holds it, is told only to tasks that settle their own jobs.
    """

    id: str
    seq: int
    queue: str
    priority: int
    task: str
    args: str
    kwargs: str
    headers: str | None
    options: str | None
    parent_id: str | None
    root_id: str | None
    group_id: str | None
    attempt: int
    retries: int
    crashes: int
    max_crashes: int
    acks_late: bool
    expired: bool
    token: int
    moments: str | None = None
    worker: str | None = None

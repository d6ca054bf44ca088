"""What one run of a job produced, as a value. Exceptions stop in ``worker.execute``; after it there are these.

Next room: ``settlement``, which decides what an outcome means for the job.
"""

from __future__ import annotations

from typing import NamedTuple


class Failure(NamedTuple):
    """An exception as data.

    Parameters
    ----------
    error: one line, ``Type: message``.
    exception: JSON text: module, class and arguments, enough to raise it again elsewhere.
    traceback: the text Python would have printed.
    """

    error: str
    exception: str | None = None
    traceback: str | None = None


class Succeeded(NamedTuple):
    """The task returned; ``result`` is JSON text, None when the result is not wanted."""

    result: str | None
    runtime: float


class Committed(NamedTuple):
    """A transactional task returned: its writes, its success and ``result`` are in the database already."""

    result: str | None
    runtime: float


class Failed(NamedTuple):
    """The task raised and is not to be retried; ``expected`` when it said that it may."""

    failure: Failure
    runtime: float
    expected: bool = False


class Retried(NamedTuple):
    """The task asks for another try in ``delay`` seconds; ``change``, JSON text, is what the job is to have instead."""

    delay: float
    failure: Failure
    runtime: float
    change: str | None = None


class Revoked(NamedTuple):
    """The job was revoked, or it expired before it started."""

    reason: str


RATE_LIMITED = "held back by its task's rate limit"
"""Why a job was returned with which nothing is wrong."""


NOT_REGISTERED = "NotRegistered"
"""How the reason begins for which a job was returned whose task is not known here."""

LONGEST_PAUSE = 60.0
"""Seconds that such a job waits at most until somebody looks at it again."""


class Returned(NamedTuple):
    """The job goes back, in ``delay`` seconds: it was refused here, not started, or (``started``) cut off.

    ``quiet`` when it has been said before why. ``limits``: those that it was found to be under, for its row.
    """

    delay: float = 0.0
    reason: str | None = None
    started: bool = False
    quiet: bool = False
    limits: str | None = None


class Crashed(NamedTuple):
    """The process that ran the job died under it."""

    reason: str


class Replaced(NamedTuple):
    """The task has put a workflow in its own place: its rows and edges as JSON text; the last row is the job itself."""

    workflow: str
    runtime: float


Outcome = Succeeded | Committed | Failed | Retried | Revoked | Returned | Crashed | Replaced

"""Jobs that wait for jobs: the edges between them, and what the end of one means for those that wait. Pure.

A blocked job says in its ``options`` what it ``takes`` of its parents; ``judge`` reads nothing else. Next room:
``store.ops.release``, which does what it says.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import NamedTuple

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.states import State


class Takes(StrEnum):
    """What a blocked job is given by the jobs that it waits for; the text is in its options."""

    VALUE = "value"  # the one parent's result, before its own arguments
    LIST = "list"  # a list of all parents' results, before its own arguments
    JOINED = "joined"  # the result of the one parent, which only gathers those of several
    AFTER = "after"  # nothing: it runs after its one parent
    ALL = "all"  # nothing: it runs after all its parents
    FAILURE = "failure"  # the id of the parent that failed; if none does, it never runs
    FAILED = "failed"  # nothing: it runs after a parent has failed; if none does, it never runs


OF_MANY = (Takes.LIST, Takes.ALL)
"""What is taken by jobs that may wait for more than one."""

FEEDS = '"feeds":true'
"""In the options of a job for which others wait: only such a job's settlement looks for them."""

SKIPPED = "skipped"
"""Outcome of a parent that never ran, since one before it had failed; its errbacks do not run."""

UNREACHED = "unreached"
"""The same of a member of a header that was never begun: what was to come before it had failed. So the body's errbacks
do not run either; those of the job that failed do."""

STOOD = "stood"
"""The same of a job that stands for one that ran: its replacement failed before it came to the last of it. Errbacks of
the job run, as when it fails; those of the replacement have run already, for the one that failed."""

DROPPED = "dropped"
"""Outcome of an errback that was not needed; what follows it is not needed either."""


class Edge(NamedTuple):
    """``dependent`` waits for ``parent``, whose result is at ``position`` among those that it is given."""

    dependent: str
    position: int
    parent: str


class Ended(NamedTuple):
    """A job that is over: ``outcome`` is its final state, `SKIPPED`, `UNREACHED`, `STOOD` or `DROPPED`.

    ``result`` is JSON text.
    """

    id: str
    outcome: str
    result: str | None = None


class Culprit(NamedTuple):
    """The first parent of a blocked job that did not succeed, as far as it is known.

    The fields after ``outcome`` are those of its row in the results, ``args`` and ``kwargs`` as JSON text; ``stands``
    is the note of that name in its options, see `_noted`.
    """

    parent: str
    outcome: str
    task: str | None = None
    args: str | None = None
    kwargs: str | None = None
    root: str | None = None
    error: str | None = None
    exception: str | None = None
    traceback: str | None = None
    stands: str | None = None


class Waiter(NamedTuple):
    """A blocked job at a moment: whether it still waits (``open``), and for whom it need not wait any more."""

    id: str
    takes: str
    open: bool
    args: str
    options: str
    culprit: Culprit | None = None


class Go(NamedTuple):
    """The job may run; arguments and options as JSON text where they are not made of its parents' results."""

    id: str
    args: str | None = None
    options: str | None = None


class Doom(NamedTuple):
    """The job will never run; ``outcome`` is what those that wait for it are told."""

    id: str
    state: State
    outcome: str
    failure: Failure


class Drop(NamedTuple):
    """The job is not needed: it waited for a failure that did not come."""

    id: str
    outcome: str = DROPPED


Verdict = Go | Doom | Drop


def feeds(options: str | None) -> bool:
    """Tell from a job's options whether others may wait for it."""
    return options is not None and FEEDS in options


def judge(waiter: Waiter) -> Verdict | None:
    """Say what is to become of a blocked job; None: it waits on."""
    culprit = waiter.culprit
    if culprit is not None and culprit.outcome == DROPPED:
        return Drop(waiter.id)
    if waiter.takes in (Takes.FAILURE, Takes.FAILED):
        failed = culprit is not None and (culprit.outcome == State.FAILED or _stood(culprit, waiter))
        if culprit is not None and failed:
            return _call_back(waiter, culprit)
        return None if waiter.open else Drop(waiter.id)
    if culprit is not None:
        doom = _doom(waiter, culprit)
        passed = doom.outcome in (SKIPPED, UNREACHED)
        return doom._replace(outcome=STOOD) if passed and _noted(waiter, "stands") else doom
    return None if waiter.open else Go(waiter.id)


def too_much(job_id: str, most: int) -> Doom:
    """End a chord's body for which its header's results are too large.

    Parameters
    ----------
    most: bytes that they may be.
    """
    message = (
        f"the results of its header are more than {most:,} bytes in all, so its body cannot be given them:"
        " let the members store them elsewhere and return paths or keys"
    )
    return Doom(job_id, State.FAILED, State.FAILED, _as_chord_error(message))


def _stood(culprit: Culprit, waiter: Waiter) -> bool:
    """Whether an errback runs for a job whose replacement failed on the way; not one of that replacement's own.

    One of an earlier replacement does: that has come to its last job, which was replaced once more.
    """
    mark = _noted(waiter, "inner")
    return culprit.outcome == STOOD and (mark is None or mark != culprit.stands)


def _call_back(waiter: Waiter, culprit: Culprit) -> Go:
    """Give an errback the failed job's id, and in its options all that a callback of three arguments is given."""
    if waiter.takes == Takes.FAILED:
        return Go(waiter.id, waiter.args)
    args = [culprit.parent, *json.loads(waiter.args)]
    about = {name: value for name, value in culprit._replace(stands=None)._asdict().items() if value is not None}
    options = json.loads(waiter.options) | {"errback": about}
    return Go(waiter.id, _text(args), _text(options))


def _doom(waiter: Waiter, culprit: Culprit) -> Doom:
    """End a job whose parent did not succeed: a chain's with the parent's own error, a chord's body with its own."""
    if waiter.takes in (Takes.LIST, Takes.ALL):
        outcome = SKIPPED if culprit.outcome == UNREACHED else State.FAILED
        return Doom(waiter.id, State.FAILED, outcome, _chord_error(culprit))
    passed_over = UNREACHED if culprit.outcome == UNREACHED or _noted(waiter, "begins") else SKIPPED
    if waiter.takes == Takes.JOINED:
        outcome = passed_over if culprit.outcome in (SKIPPED, STOOD) else State.FAILED
        return Doom(waiter.id, State.FAILED, outcome, Failure(culprit.error or "", culprit.exception))
    note = f"This job never ran: it waited for {culprit.parent}, which was {culprit.outcome}."
    if culprit.outcome == State.REVOKED or (culprit.error is None and culprit.exception is None):
        error = f"job {culprit.parent}, for which it waited, was {culprit.outcome}"
        return Doom(waiter.id, State.REVOKED, State.REVOKED, Failure(error, None, note))
    return Doom(waiter.id, State.FAILED, passed_over, Failure(culprit.error or "", culprit.exception, note))


def _noted(waiter: Waiter, note: str) -> object:
    """Return what a job's options say of it, None when they do not.

    ``begins``: it is one of the first jobs of a header; ``stands``: it is the last of a replacement, and so the job
    that was replaced; ``inner``: it is an errback of a replacement's last job. Both hold the replacement's mark.
    """
    return json.loads(waiter.options).get(note)


def _chord_error(culprit: Culprit) -> Failure:
    """Say as Celery does which member of the header did not succeed."""
    failure = _as_chord_error(f"Dependency {culprit.parent} raised {_shown(culprit)}")
    return failure._replace(traceback=culprit.traceback)


def _as_chord_error(message: str) -> Failure:
    exception = {"module": "sqlqueue.errors", "name": "ChordError", "args": [message]}
    return Failure(f"ChordError: {message}", _text(exception))


def _shown(culprit: Culprit) -> str:
    """Return an exception as its ``repr`` would, made of its data."""
    if culprit.exception is None:
        return f"TaskRevoked({culprit.error or culprit.outcome!r})"
    data = json.loads(culprit.exception)
    return f"{data['name']}({', '.join(repr(value) for value in data['args'])})"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""The life of a job as a table: its states and the legal moves between them.

SQL CHECK constraints, the chart in the docs and the buttons of every user interface come from here.
Next room: ``outcome`` (what a run produced) and ``settlement`` (what that means for the state).
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job stands; the text is what the ``state`` columns hold."""

    BLOCKED = "blocked"  # waits for other jobs
    SCHEDULED = "scheduled"  # waits for its time, also between two tries
    READY = "ready"
    RUNNING = "running"  # claimed by a worker
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REVOKED = "revoked"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.BLOCKED: frozenset({State.SCHEDULED, State.READY, State.FAILED, State.REVOKED}),
    State.SCHEDULED: frozenset({State.READY, State.REVOKED}),
    State.READY: frozenset({State.RUNNING, State.REVOKED}),
    State.RUNNING: frozenset(
        {State.BLOCKED, State.SCHEDULED, State.READY, State.SUCCEEDED, State.FAILED, State.REVOKED}
    ),  # blocked: its task has put a workflow in its own place
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.READY}),  # by hand
    State.REVOKED: frozenset({State.READY}),  # by hand
}

UNFINISHED = (State.BLOCKED, State.SCHEDULED, State.READY, State.RUNNING)
"""States of rows in ``sqlqueue_jobs``."""

FINISHED = (State.SUCCEEDED, State.FAILED, State.REVOKED)
"""States of rows in ``sqlqueue_results``."""


def may_move(before: State, after: State) -> bool:
    """Tell whether a job in ``before`` may go to ``after``."""
    return after in TRANSITIONS[before]

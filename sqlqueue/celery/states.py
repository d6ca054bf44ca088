"""Celery's names for states, and what they have in common."""

from __future__ import annotations

PENDING, RECEIVED, STARTED = "PENDING", "RECEIVED", "STARTED"
SUCCESS, FAILURE, REVOKED, REJECTED = "SUCCESS", "FAILURE", "REVOKED", "REJECTED"
RETRY, IGNORED = "RETRY", "IGNORED"

READY_STATES = frozenset({SUCCESS, FAILURE, REVOKED})
UNREADY_STATES = frozenset({PENDING, RECEIVED, STARTED, REJECTED, RETRY})
EXCEPTION_STATES = frozenset({RETRY, FAILURE, REVOKED})
PROPAGATE_STATES = frozenset({FAILURE, REVOKED})
ALL_STATES = frozenset({*READY_STATES, *UNREADY_STATES})

PRECEDENCE = [SUCCESS, FAILURE, None, REVOKED, STARTED, RECEIVED, REJECTED, RETRY, PENDING]
"""From the last word on a job to the first; None stands for states of one's own."""


def precedence(name: str) -> int:
    """Return a state's place in `PRECEDENCE`."""
    return PRECEDENCE.index(name if name in PRECEDENCE else None)


class state(str):  # noqa: N801, SLOT000 - Celery's name
    """A state that can be compared: the later in a job's life, the larger."""

    def __gt__(self, other: str) -> bool:
        return precedence(self) < precedence(other)

    def __ge__(self, other: str) -> bool:
        return precedence(self) <= precedence(other)

    def __lt__(self, other: str) -> bool:
        return precedence(self) > precedence(other)

    def __le__(self, other: str) -> bool:
        return precedence(self) >= precedence(other)

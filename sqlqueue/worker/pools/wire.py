"""Jobs and outcomes as bytes, between processes of one interpreter forked from one parent.

``marshal`` is the quickest way for tuples of strings and numbers; it knows no subclasses, so named tuples
travel as plain ones and an outcome is preceded by the number of its kind.
"""

from __future__ import annotations

import marshal
from array import array
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.job import Job
from sqlqueue.domain.outcome import (
    Committed,
    Crashed,
    Failed,
    Failure,
    Outcome,
    Replaced,
    Retried,
    Returned,
    Revoked,
    Succeeded,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_KINDS: tuple[type[Outcome], ...] = (Succeeded, Failed, Retried, Revoked, Returned, Crashed, Replaced, Committed)
_TAGS = {kind: tag for tag, kind in enumerate(_KINDS)}

PERMIT = 8
"""Bytes of one permit: the number of a job, as the machine writes it."""


def pack_jobs(jobs: Sequence[Job]) -> bytes:
    """Encode a batch."""
    return marshal.dumps([tuple(job) for job in jobs])


def unpack_jobs(payload: bytes | bytearray) -> list[Job]:
    """Decode a batch."""
    return [Job(*fields) for fields in marshal.loads(payload)]  # noqa: S302 - written by our own parent


def pack_permits(first: int, after: int) -> bytes:
    """Encode the permits of the jobs from ``first`` up to, not including, ``after``."""
    return array("Q", range(first, after)).tobytes()


def unpack_permits(data: bytes) -> Sequence[int]:
    """Decode permits."""
    return array("Q", data)


def pack_outcome(number: int, outcome: Outcome) -> bytes:
    """Encode what came of the job of that number."""
    try:
        return marshal.dumps((number, _TAGS[type(outcome)], _plain(outcome)))
    except (ValueError, TypeError) as error:
        failed = Failed(Failure(f"the outcome cannot leave its process: {error}"), 0.0)
        return marshal.dumps((number, _TAGS[Failed], _plain(failed)))


def unpack_outcome(payload: bytes | bytearray) -> tuple[int, Outcome]:
    """Decode a job's number and what came of it."""
    number, tag, fields = marshal.loads(payload)  # noqa: S302 - written by our own child
    if tag == _TAGS[Failed]:
        failure, runtime, expected = fields
        return number, Failed(Failure(*failure), runtime, expected)
    if tag == _TAGS[Retried]:
        delay, failure, runtime, change = fields
        return number, Retried(delay, Failure(*failure), runtime, change)
    return number, _KINDS[tag](*fields)


def _plain(outcome: Outcome) -> tuple[Any, ...]:
    if isinstance(outcome, Failed):
        return tuple(outcome.failure), outcome.runtime, outcome.expected
    if isinstance(outcome, Retried):
        return float(outcome.delay), tuple(outcome.failure), outcome.runtime, outcome.change
    return tuple(outcome)

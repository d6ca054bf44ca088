"""Looks at the clock for the children: who is warned, who is killed. It reads the shared memory, so none is asked.

Not safe for threads; the pool's lock is held around every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.worker.limits import too_long

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlqueue.worker.limits import LimitBook
    from sqlqueue.worker.pools.prefork_member import Member


def enforce(limits: LimitBook, members: Iterable[Member], now: float) -> None:
    """Warn or kill the children whose present job has run for too long."""
    for member in members:
        number = member.seat.number
        job = member.jobs.get(number)
        bound = limits.of(job) if job is not None else None
        if bound is None or member.sentence is not None:
            continue
        ran = now - member.seat.started
        if bound.hard is not None and ran >= bound.hard:
            member.end(number, too_long(bound.hard, ran), now)
        elif bound.soft is not None and ran >= bound.soft:
            member.warn(number)


def until_next(limits: LimitBook, members: Iterable[Member], now: float) -> float:
    """Return the seconds until a limit may be over: of a job that runs, or of one that starts this moment."""
    rest = float("inf")
    for member in members:
        if not member.jobs or member.sentence is not None:
            continue
        number = member.seat.number
        job = member.jobs.get(number)
        if job is None or len(member.jobs) > 1:
            rest = min(rest, limits.least)
        bound = limits.of(job) if job is not None else None
        if bound is None:
            continue
        ends = [bound.hard] if member.seat.warned == number else [bound.soft, bound.hard]
        rest = min([rest, *(end - (now - member.seat.started) for end in ends if end is not None)])
    return max(rest, 0.0)

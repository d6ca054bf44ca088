"""Claim jobs that are under limits of the whole fleet, so many as the limits let.

Jobs of the same limits, in one queue, are a lane of their own: no other claim meets them. Whoever holds the locks of a
lane's limits counts the slots in use, claims no more jobs than are free, and notes a slot for each; limits that
somebody else holds are passed over. So claims of different limits do not wait for each other, and those of jobs
without limits know nothing of all this.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.job import Job
from sqlqueue.domain.quota import LOCKED_LOOK, Quota, Use, choose, room_of, stricter
from sqlqueue.store.operation import Batch, Step, ask, ask_last

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class LimitedLane(NamedTuple):
    """Jobs of one queue that are under the same limits.

    Parameters
    ----------
    limits: what their rows say; None: nothing, the queue as a whole is limited, and this is one priority of it.
    quotas: names of all limits that hold, each with what is allowed unless somebody has set it otherwise.
    """

    queue: str
    limits: str | None
    priority: int
    quotas: tuple[tuple[str, Quota], ...]


class Granted(NamedTuple):
    """The jobs that were claimed, each with the number of its lane, and what to do about each lane.

    ``look_in`` has, for each lane, the seconds until it is to be looked at again, None when it holds no more.
    """

    jobs: list[tuple[Job, int]]
    look_in: list[float | None]


def limited_lanes(dialect: Dialect, after: Sequence[tuple[str, str]], at_most: int) -> Op[list[tuple[str, str]]]:
    """List up to so many lanes of limited jobs, queue and limits, in order.

    Parameters
    ----------
    after: the queues to look into, each with the limits behind which to begin.
    """
    queues = [{"queue": queue, "after": limits} for queue, limits in after]
    rows = yield from ask_last(dialect.sql.limited_lanes, queues=json.dumps(queues), at_most=at_most)
    return [(row[0], row[1]) for row in rows]


def ensure_limits(dialect: Dialect, names: Sequence[str]) -> Op[None]:
    """See to it that limits have rows to lock, where a row's lock is needed."""
    if dialect.sql.ensure_limits is not None:
        yield from ask_last(dialect.sql.ensure_limits, names=json.dumps(sorted(names)))


def grant(
    dialect: Dialect, worker: str, lanes: Sequence[LimitedLane], at_most: int, shunned: Sequence[str] = ()
) -> Op[Granted]:
    """Claim up to ``at_most`` jobs for ``worker``, an incarnation, from ``lanes`` in their order, within their limits.

    The claim is on disk before any of them starts: a claim that a crash forgets would free a slot that is in use.

    Parameters
    ----------
    shunned: tasks whose jobs are left to others.
    """
    if dialect.sql.durably is not None:
        yield from ask(dialect.sql.durably)
    locked, uses, over = yield from _look(dialect, stricter(pair for lane in lanes for pair in lane.quotas))
    names = [[name for name, _ in lane.quotas] for lane in lanes]
    rooms = [room_of(some, uses) if locked.issuperset(some) else 0 for some in names]
    mosts = [at_most if room is None else min(room, at_most) for room in rooms]
    heads = yield from _heads(dialect, lanes, mosts, shunned)
    takes, used = choose(names, list(map(len, heads)), at_most, uses)
    chosen = [some[:take] for some, take in zip(heads, takes, strict=True)]
    jobs = yield from _claim(dialect, worker, chosen, names, uses)
    if over & locked:
        yield from ask(dialect.sql.sweep_slots, names=json.dumps(sorted(over & locked)))
    more = [len(some) == most or take < len(some) for some, most, take in zip(heads, mosts, takes, strict=True)]
    return Granted(jobs, [_look_in(some, locked, used, more=left) for some, left in zip(names, more, strict=True)])


def _look_in(names: Sequence[str], locked: set[str], used: Mapping[str, Use], *, more: bool) -> float | None:
    """Return the seconds until a lane under these limits is to be looked at again; None when it holds no ``more``."""
    if not locked.issuperset(names):
        return LOCKED_LOOK
    full = [used[name].wait for name in names if used[name].room == 0]
    if full:
        return max(full)
    return 0.0 if more else None


def _look(dialect: Dialect, quotas: Mapping[str, Quota]) -> Op[tuple[set[str], dict[str, Use], set[str]]]:
    """Lock limits; return the names of those locked, what is used of each, and which have slots to sweep."""
    asked = [{"name": name, "seconds": quota.seconds} for name, quota in sorted(quotas.items())]
    found, rows = yield Batch(
        (
            Step(dialect.sql.lock_limits, {"names": json.dumps(sorted(quotas))}),
            Step(dialect.sql.limit_uses, {"asked": json.dumps(asked)}),
        )
    )
    uses, over = {}, set()
    for name, is_set, running, starts, seconds, in_use, recent, frees_in, old in rows:
        quota = Quota(running, starts, seconds) if is_set else quotas[name]
        uses[name] = Use(quota, in_use, recent, frees_in)
        if old:
            over.add(name)
    return {row[0] for row in found}, uses, over


def _heads(
    dialect: Dialect, lanes: Sequence[LimitedLane], at_most: Sequence[int], shunned: Sequence[str]
) -> Op[list[list[tuple[str, int]]]]:
    """Lock the first jobs of each lane; return the id and the claim token of each, in order."""
    asked = [
        {"n": n, "queue": lane.queue, "limits": lane.limits, "priority": lane.priority, "at_most": most}
        for n, (lane, most) in enumerate(zip(lanes, at_most, strict=True))
        if most > 0
    ]
    kinds = (dialect.sql.limited_heads, dialect.sql.plain_heads)
    away = json.dumps(list(shunned))
    if dialect.lanes_together:
        steps = [Step(kind, {"lanes": json.dumps(asked), "shunned": away}) for kind in kinds]
    else:
        steps = [Step(kinds[one["limits"] is None], {**one, "shunned": away}) for one in asked]
    answers = (yield Batch(steps)) if asked else []
    found: list[list[tuple[str, int]]] = [[] for _ in lanes]
    for rows in answers:
        for n, id_, token in rows:
            found[n].append((id_, token))
    return found


def _claim(
    dialect: Dialect, worker: str, heads: Sequence[Sequence[tuple[str, int]]], names: Sequence[Sequence[str]],
    uses: Mapping[str, Use],
) -> Op[list[tuple[Job, int]]]:  # fmt: skip
    """Claim jobs and note a slot for each under each of its limits."""
    lane_of = {id_: n for n, some in enumerate(heads) for id_, _ in some}
    if not lane_of:
        return []
    slots = [
        {"name": name, "id": id_, "token": token + 1, "seconds": _window(uses[name].quota)}
        for n, some in enumerate(heads)
        for id_, token in some
        for name in names[n]
    ]
    rows, _ = yield Batch(
        (
            Step(dialect.sql.claim_heads, {"ids": json.dumps(list(lane_of)), "worker": worker}),
            Step(dialect.sql.occupy, {"slots": json.dumps(slots)}),
        )
    )
    place = {id_: n for n, id_ in enumerate(lane_of)}
    jobs = sorted(map(Job._make, rows), key=lambda job: place[job.id])
    return [(job, lane_of[job.id]) for job in jobs]


def _window(quota: Quota) -> float:
    """Return for how many seconds a start counts."""
    return quota.seconds if quota.starts is not None else 0.0

"""One worker cycle: settle the finished batch and claim the next one, in one transaction.

Where the database has pipelines that is one round trip, commit included. Only a batch with jobs for which others wait
takes more: those are released in the same transaction.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.settlement import Become, Finish
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import Ended
from sqlqueue.store.operation import Batch, Step, ask
from sqlqueue.store.ops.become import Changed, become
from sqlqueue.store.ops.claim import LaneRead, as_jobs, claim, claim_step
from sqlqueue.store.ops.release import NOBODY, Released, release
from sqlqueue.store.ops.settle import NOTHING, Settled, settle, settle_steps
from sqlqueue.store.ops.wake import Message, wake_steps

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.settlement import Settlement
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class Wanted(NamedTuple):
    """The claim half of a cycle: up to ``at_most`` jobs from ``lanes``, in their order, none of a ``shunned`` task."""

    lanes: Sequence[LaneRead]
    at_most: int
    shunned: Sequence[str] = ()


class Joins(NamedTuple):
    """The jobs of a cycle for which others wait, and what the cycles before have left to do.

    ``feeding`` are ids among those settled, ``owed`` blocked jobs that somebody had locked, ``rest`` ended jobs whose
    dependents were not reached.
    """

    feeding: Collection[str]
    owed: Collection[str] = ()
    rest: Sequence[Ended] = ()


class Cycle(NamedTuple):
    """What one cycle did."""

    settled: Settled
    claimed: list[Job]
    released: Released = NOBODY


def cycle(
    dialect: Dialect,
    worker: str,
    settlements: Sequence[Settlement],
    tokens: Mapping[str, int],
    wanted: Wanted | None,
    messages: Sequence[Message] = (),
    joins: Joins | None = None,
) -> Op[Cycle]:
    """Settle ``settlements``, which ``worker`` holds under ``tokens``, and claim what is ``wanted``, if anything.

    Parameters
    ----------
    messages: sent behind the commit.
    joins: None when nobody waits for any of these jobs.
    """
    if not dialect.lanes_together:
        settled = (yield from settle(dialect, worker, settlements, tokens)) if settlements else NOTHING
        released = (yield from _release(dialect, worker, settlements, tokens, settled, joins)) if joins else NOBODY
        claimed = (yield from claim(dialect, worker, *wanted)) if wanted else []
        return Cycle(settled, claimed, released)
    steps = settle_steps(dialect, worker, settlements, tokens)
    first = [Step(dialect.sql.durably, {})] if settlements and dialect.sql.durably is not None else []
    asked = [claim_step(dialect, worker, *wanted)] if wanted else []
    after = wake_steps(dialect, messages)
    batch = [*first, *steps.finish, *steps.wait, *asked]
    answers = yield Batch(batch) if joins else Batch(batch, last=True, after=after)
    claimed = as_jobs(answers.pop(), wanted.lanes) if wanted else []
    settled = steps.read(answers[len(first) :])
    if joins is None:
        return Cycle(settled, claimed)
    released = yield from _release(dialect, worker, settlements, tokens, settled, joins)
    yield Batch((), last=True, after=after)
    return Cycle(settled, claimed, released)


def _release(
    dialect: Dialect, worker: str, settlements: Sequence[Settlement], tokens: Mapping[str, int], settled: Settled,
    joins: Joins,
) -> Op[Released]:  # fmt: skip
    """Release those who waited for what has just been settled; what was replaced becomes what it is to be first.

    What did not succeed may have been revoked instead, which the results tell.
    """
    changes = [(one, tokens[one.id]) for one in settlements if type(one) is Become]
    changed = (yield from become(dialect, worker, changes)) if changes else Changed([], [])
    settled.ids.update(changed.ids)
    over = settled.ids.difference(placed.id for placed in settled.waiting).intersection(joins.feeding)
    over.difference_update(changed.ids)
    ended = [
        Ended(one.id, one.state, one.result)
        for one in settlements
        if type(one) is Finish and one.state is State.SUCCEEDED and one.id in over
    ]
    others = over.difference(one.id for one in ended)
    if others:
        rows = yield from ask(dialect.sql.ends, ids=json.dumps(sorted(others)))
        ended += [Ended(*row) for row in rows]
    released = yield from release(dialect, [*joins.rest, *ended], {*joins.owed, *changed.ids})
    return released._replace(placed=released.placed + changed.placed)

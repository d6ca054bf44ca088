"""One worker cycle: settle the finished batch and claim the next one, in one transaction.

Where the database has pipelines that is one round trip, commit included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.store.operation import Batch, Step
from sqlqueue.store.ops.claim import LaneRead, as_jobs, claim, claim_step
from sqlqueue.store.ops.settle import NOTHING, Settled, settle, settle_steps
from sqlqueue.store.ops.wake import Message, wake_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.settlement import Settlement
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class Wanted(NamedTuple):
    """The claim half of a cycle: up to ``at_most`` jobs from ``lanes``, in their order, none of a ``shunned`` task."""

    lanes: Sequence[LaneRead]
    at_most: int
    shunned: Sequence[str] = ()


class Cycle(NamedTuple):
    """What one cycle did."""

    settled: Settled
    claimed: list[Job]


def cycle(
    dialect: Dialect,
    worker: str,
    settlements: Sequence[Settlement],
    tokens: Mapping[str, int],
    wanted: Wanted | None,
    messages: Sequence[Message] = (),
) -> Op[Cycle]:
    """Settle ``settlements``, which ``worker`` holds under ``tokens``, and claim what is ``wanted``, if anything.

    Parameters
    ----------
    messages: sent behind the commit.
    """
    if not dialect.lanes_together:
        settled = (yield from settle(dialect, worker, settlements, tokens)) if settlements else NOTHING
        claimed = (yield from claim(dialect, worker, *wanted)) if wanted else []
        return Cycle(settled, claimed)
    steps = settle_steps(dialect, worker, settlements, tokens)
    first = [Step(dialect.sql.durably, {})] if settlements and dialect.sql.durably is not None else []
    asked = [claim_step(dialect, worker, *wanted)] if wanted else []
    batch = [*first, *steps.finish, *steps.wait, *asked]
    answers = yield Batch(batch, last=True, after=wake_steps(dialect, messages))
    claimed = as_jobs(answers.pop(), wanted.lanes) if wanted else []
    return Cycle(steps.read(answers[len(first) :]), claimed)

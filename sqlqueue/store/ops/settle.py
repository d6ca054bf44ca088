"""Write what became of claimed jobs, in batches, fenced.

The fence is id, state, claim token and worker: a settlement by anyone who no longer holds the claim changes
nothing. It may be sent again after a commit of unknown outcome.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule, Settlement, Written
from sqlqueue.domain.states import State
from sqlqueue.store.operation import Batch, Step, ask
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.store.dialect import Dialect
from sqlqueue.store.operation import Op, Rows


class Settled(NamedTuple):
    """What a settlement did: the ids that were accepted, and the jobs among them that wait again."""

    ids: set[str]
    waiting: list[Placed]


NOTHING = Settled(set(), [])


class SettleSteps(NamedTuple):
    """The statements of one settlement: those that end jobs, and those that send jobs back to wait.

    Of the latter, jobs that were revoked while they ran are ended instead. ``done`` are ids settled before.
    """

    finish: list[Step]
    wait: list[Step]
    done: Sequence[str] = ()

    def read(self, answers: Sequence[Rows]) -> Settled:
        """Make sense of the rows that the steps returned, in their order."""
        waiting = [Placed(*row) for rows in answers[len(self.finish) :] for row in rows]
        accepted = {row[0] for rows in answers[: len(self.finish)] for row in rows}
        return Settled(accepted.union(self.done, (placed.id for placed in waiting)), waiting)


def settle(dialect: Dialect, worker: str, settlements: Sequence[Settlement], tokens: Mapping[str, int]) -> Op[Settled]:
    """Settle jobs that ``worker`` holds.

    Parameters
    ----------
    worker: the incarnation that claimed them.
    tokens: id to claim token.

    An id that does not come back was not the worker's any more, or was locked by somebody: look, and send it again.
    """
    if dialect.sql.durably is not None:
        yield from ask(dialect.sql.durably)
    steps = settle_steps(dialect, worker, settlements, tokens)
    answers = (yield Batch(steps.finish)) if steps.finish else []
    for step in steps.wait:
        answers.append((yield from _draw_and_execute(dialect, step)))
    return steps.read(answers)


def settle_steps(
    dialect: Dialect, worker: str, settlements: Sequence[Settlement], tokens: Mapping[str, int]
) -> SettleSteps:
    """Sort settlements by kind into statements."""
    finished = [one for one in settlements if type(one) is Finish]
    steps = SettleSteps([], [], [one.id for one in settlements if type(one) is Written])
    if dialect.sql.succeed is not None:
        good = [one for one in finished if one.state is State.SUCCEEDED]
        finished = [one for one in finished if one.state is not State.SUCCEEDED] if len(good) < len(finished) else []
        if good:
            params = dialect.succeed_params(good, [tokens[one.id] for one in good], worker)
            steps.finish.append(Step(dialect.sql.succeed, params))
    if finished:
        params = dialect.finish_params(finished, [tokens[one.id] for one in finished], worker)
        steps.finish.append(Step(dialect.sql.finish, params))
        if dialect.sql.drop_finished is not None:
            steps.finish.append(Step(dialect.sql.drop_finished, params))
    back = [
        {"id": one.id, "token": tokens[one.id], "error": getattr(one, "error", None)}
        for one in settlements
        if not isinstance(one, Finish | Written)
    ]
    if back:
        doc = {"doc": json.dumps(back), "worker": worker}
        ends = (dialect.sql.end_revoked, dialect.sql.drop_revoked)
        steps.finish.extend(Step(statement, doc) for statement in ends if statement is not None)
    for kind, statement in ((Reschedule, dialect.sql.reschedule), (GiveBack, dialect.sql.give_back)):
        rows = [one._asdict() | {"token": tokens[one.id]} for one in settlements if isinstance(one, kind)]
        if rows:
            steps.wait.append(Step(statement, {"doc": json.dumps(rows), "worker": worker}))
    return steps


def _draw_and_execute(dialect: Dialect, step: Step) -> Op[Rows]:
    """Execute a step that may put jobs at the end of their lanes, after drawing numbers for them."""
    if dialect.sql.draw_seq is None or step.statement is dialect.sql.give_back:
        return (yield from ask(step.statement, **step.params))
    wanted = len(json.loads(str(step.params["doc"])))
    ((base,),) = yield from ask(dialect.sql.draw_seq, n=wanted)
    return (yield from ask(step.statement, **step.params, base=base))

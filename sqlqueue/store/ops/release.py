"""Let blocked jobs go, or end them, in the transaction that ends the jobs that they wait for.

Edges are resolved first; then the dependents are locked, passing over those that somebody else has locked; then, in a
later statement, which at READ COMMITTED sees what was committed until then, they are judged. Of two that settle the
last two parents at the same time, the one that had the lock may or may not see the other's end, as a success or as a
failure, and the one that was refused it must look once more after its commit: ``owed``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain import sizes
from sqlqueue.domain.workflow import OF_MANY, Culprit, Doom, Drop, Ended, Go, Waiter, judge, too_much
from sqlqueue.store.operation import Batch, Step, ask, ask_last
from sqlqueue.store.rows import Placed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlqueue.domain.workflow import Verdict
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op

MOST_ROUNDS = 100
"""Failures are handed down a chain one step a round; what is longer is left to the next transaction."""


class Released(NamedTuple):
    """What became of blocked jobs.

    ``placed`` may run now, ``ended`` never will, ``owed`` must be looked at again after the commit, and ``rest`` has
    ended jobs whose dependents were not reached.
    """

    placed: list[Placed]
    ended: list[str]
    owed: set[str]
    rest: list[Ended]


NOBODY = Released([], [], set(), [])


def release(dialect: Dialect, ended: Sequence[Ended], owed: Collection[str] = ()) -> Op[Released]:
    """Look after the dependents of jobs that this transaction has ended, and of those ``owed`` a look from before."""
    placed: list[Placed] = []
    dead: list[str] = []
    skipped: set[str] = set()
    suspects = set(owed)
    for _ in range(MOST_ROUNDS):
        dependents = (yield from _resolve(dialect, ended)) if ended else {}
        asked = suspects | dependents.keys()
        if not asked:
            return Released(placed, dead, skipped, [])
        locked, still = yield from _lock(dialect, asked)
        skipped |= still - locked
        if over := dependents.keys() - still:
            yield from ask(dialect.sql.forget_edges_of, ids=json.dumps(sorted(over)))
        suspects |= {id_ for id_, in_doubt in dependents.items() if in_doubt}
        verdicts = (yield from _judge(dialect, locked, suspects & locked)) if locked else []
        let_go = yield from _let_go(dialect, verdicts)
        placed += let_go
        verdicts = _without_giants(verdicts, {one.id for one in let_go})
        yield from _end(dialect, verdicts)
        ended = [Ended(one.id, one.outcome) for one in verdicts if not isinstance(one, Go)]
        dead += [one.id for one in verdicts if isinstance(one, Doom)]
        suspects = set()
    return Released(placed, dead, skipped, list(ended))


def release_after(dialect: Dialect, ids: Sequence[str]) -> Op[Released]:
    """Do the same for jobs that a statement has ended: what came of them is read from the results."""
    if not ids:
        return NOBODY
    yield from ask(dialect.sql.forget_edges_of, ids=json.dumps(list(ids)))  # they themselves wait for nobody any more
    rows = yield from ask(dialect.sql.ends, ids=json.dumps(list(ids)))
    return (yield from release(dialect, [Ended(*row) for row in rows]))


def anything_blocked(dialect: Dialect) -> Op[bool]:
    """Tell whether any job waits for another, or an edge is left."""
    ((found,),) = yield from ask_last(dialect.sql.anything_blocked)
    return bool(found)


def sweep(dialect: Dialect, at_most: int = 1000) -> Op[Released]:
    """Release what a crash has left blocked: open edges whose parent is over, and blocked jobs that nobody has judged.

    The latter have no open edge, or wait for a job that did not succeed. Edges of jobs that are no more are forgotten
    first. While jobs are retried by hand nothing is swept: what is over then may not be over any more.
    """
    if dialect.sql.try_redrive_turn is not None:
        ((ours,),) = yield from ask(dialect.sql.try_redrive_turn)
        if not ours:
            return NOBODY
    yield from ask(dialect.sql.forget_edges, at_most=at_most)
    lost = [row[0] for row in (yield from ask(dialect.sql.lost_parents, at_most=at_most))]
    loose = [row[0] for row in (yield from ask(dialect.sql.loose, at_most=at_most))]
    loose += [row[0] for row in (yield from ask(dialect.sql.unjudged, at_most=at_most))]
    if not lost and not loose:
        return NOBODY
    rows = (yield from ask(dialect.sql.ends, ids=json.dumps(sorted(set(lost))))) if lost else []
    known = {row[0]: Ended(*row) for row in rows}
    return (yield from release(dialect, [known.get(id_, Ended(id_, "revoked")) for id_ in sorted(set(lost))], loose))


def _resolve(dialect: Dialect, ended: Sequence[Ended]) -> Op[dict[str, bool]]:
    """Resolve the edges of ended jobs; return those that wait for them, and whether one they wait for did not succeed.

    Those that did not are sent first and alone, so that each dependent's answer tells which kind it was.
    """
    found: dict[str, bool] = {}
    for good in (False, True):
        alike = [one for one in ended if (one.outcome == "succeeded") is good]
        for some in sizes.portions(alike, [len(one.result or "") for one in alike], len(alike)):
            rows = yield from ask(dialect.sql.resolve, ended=json.dumps([one._asdict() for one in some]))
            for (dependent,) in rows:
                found[dependent] = found.get(dependent, False) or not good
    return found


def _lock(dialect: Dialect, ids: Collection[str]) -> Op[tuple[set[str], set[str]]]:
    """Lock blocked jobs, in the order of their ids; return those locked, and all that are blocked."""
    params = {"ids": json.dumps(sorted(ids))}
    locked, still = yield Batch((Step(dialect.sql.lock_blocked, params), Step(dialect.sql.still_blocked, params)))
    return {row[0] for row in locked}, {row[0] for row in still}


def _judge(dialect: Dialect, locked: Collection[str], suspects: Collection[str]) -> Op[list[Verdict]]:
    """Look at locked jobs: of suspects somebody has failed, and of those that may go somebody may have meanwhile.

    For another may have failed and committed after we have resolved our own edge and had the lock: without a second
    look, the body of a chord would run with nothing in the place of that result.
    """
    steps = [Step(dialect.sql.waiters, {"ids": json.dumps(sorted(locked))})]
    if suspects:
        steps.append(Step(dialect.sql.culprits, {"ids": json.dumps(sorted(suspects))}))
    answers = yield Batch(steps)
    known = answers[1] if suspects else []
    late = [row[0] for row in answers[0] if row[1] in OF_MANY and not row[2] and row[0] not in suspects]
    if late and dialect.many_writers:
        known += yield from ask(dialect.sql.culprits, ids=json.dumps(late))
    culprits = {row[0]: Culprit(*row[1:]) for row in known}
    waiters = [
        Waiter(id_, takes, bool(is_open), args, options, culprits.get(id_))
        for id_, takes, is_open, args, options in answers[0]
    ]
    return [verdict for verdict in map(judge, waiters) if verdict is not None]


def _let_go(dialect: Dialect, verdicts: Sequence[Verdict]) -> Op[list[Placed]]:
    """Let those go that may run, and return where they stand; those that would be given too much stay."""
    going = [one for one in verdicts if isinstance(one, Go)]
    placed = []
    for some in sizes.portions(going, [len(one.args or "") + len(one.options or "") for one in going], len(going)):
        base = {}
        if dialect.sql.draw_seq is not None:
            ((first,),) = yield from ask(dialect.sql.draw_seq, n=len(some))
            base = {"base": first}
        doc = json.dumps([one._asdict() for one in some])
        rows = yield from ask(dialect.sql.let_go, doc=doc, most=sizes.MOST_GIVEN, **base)
        placed += [Placed(*row) for row in rows]
    return placed


def _without_giants(verdicts: Sequence[Verdict], let_go: Collection[str]) -> list[Verdict]:
    """Doom those that were to be let go, and were not."""
    return [
        too_much(one.id, sizes.MOST_GIVEN) if isinstance(one, Go) and one.id not in let_go else one for one in verdicts
    ]


def _end(dialect: Dialect, verdicts: Sequence[Verdict]) -> Op[None]:
    """Doom and drop, and forget for whom all of these have waited; in this order, since edges of what is over go."""
    doomed = [{"id": one.id, "state": one.state, **one.failure._asdict()} for one in verdicts if isinstance(one, Doom)]
    gone = [one.id for one in verdicts if isinstance(one, Doom | Drop)]
    if doomed:
        yield from ask(dialect.sql.doom, doc=json.dumps(doomed))
    if gone:
        yield from ask(dialect.sql.drop_blocked, ids=json.dumps(gone))
        yield from ask(dialect.sql.forget_edges_of, ids=json.dumps(gone))
    if going := [one.id for one in verdicts if isinstance(one, Go)]:
        yield from ask(dialect.sql.disconnect, ids=json.dumps(going))

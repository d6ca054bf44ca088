"""Let jobs run again by hand, and those that never ran since they waited for them.

A job that is ended while it waits keeps in its result for whom it waited. When one of these is to run again it is
blocked again, on edges of which those are resolved whose parents have succeeded. One whose parent stays failed ends
once more, as it did.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.store.operation import ask
from sqlqueue.store.ops.release import NOBODY, Released, release
from sqlqueue.store.ops.retry import retry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlqueue.domain.which import Which
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op
    from sqlqueue.store.rows import Placed


class Redriven(NamedTuple):
    """The ids of jobs that run again or wait again for such; those that may run; what became of those blocked again."""

    ids: list[str]
    placed: list[Placed]
    released: Released = NOBODY


def redrive(
    dialect: Dialect, which: Which, at_most: int = 1000, until: float | None = None, patience: float | None = None
) -> Op[Redriven]:
    """Let one batch of jobs run again, see `retry`, and block those again that waited for them.

    Parameters
    ----------
    patience: seconds to wait for a row that somebody has locked, None for the connection's own setting.

    Raises
    ------
    StoreUnavailable: a row stayed locked for longer.
    """
    if which.never_ran and which.ids is None:
        return Redriven([], [])  # such come along with what they wait for
    if patience is not None and dialect.sql.patiently is not None:
        yield from ask(dialect.sql.patiently, patience=f"{int(patience * 1000)}ms")
    if dialect.sql.redrive_turn is not None:
        yield from ask(dialect.sql.redrive_turn)
    placed = yield from retry(dialect, which, at_most, until)
    again = [one.id for one in placed]
    yield from _open_again(dialect, again)
    waiting = yield from _never_ran(dialect, again, which.ids or ())
    if not waiting:
        return Redriven(again, placed)
    rows = yield from ask(dialect.sql.block_again, ids=json.dumps(list(waiting)))
    blocked = [row[0] for row in rows]
    yield from ask(dialect.sql.forget, ids=json.dumps(blocked))
    yield from ask(dialect.sql.disconnect, ids=json.dumps(blocked))  # of edges that were left to a sweep
    edges = [[id_, place, parent] for id_ in blocked for place, parent in enumerate(waiting[id_])]
    yield from ask(dialect.sql.connect_again, edges=json.dumps(edges))
    yield from _open_again(dialect, blocked)
    released = yield from release(dialect, [], blocked)
    ended = set(released.ended)
    ids = again + [id_ for id_ in blocked if id_ not in ended]
    return Redriven(ids, placed, released)


def _open_again(dialect: Dialect, again: Sequence[str]) -> Op[None]:
    """Let those wait for these jobs on that have been told of their failure and not yet been judged.

    Whoever is judging them now is waited for: what he ends is found among what never ran.
    """
    if not again:
        return
    if dialect.sql.lock_dependents is not None:
        yield from ask(dialect.sql.lock_dependents, ids=json.dumps(list(again)))
    yield from ask(dialect.sql.open_again, ids=json.dumps(list(again)))


def _never_ran(dialect: Dialect, again: Sequence[str], asked: Sequence[str]) -> Op[dict[str, list[str]]]:
    """Return, of jobs that never ran and were asked for, or waited for those that run again, whom they waited for."""
    sql = dialect.sql
    found = (yield from ask(sql.roots_of, ids=json.dumps(list(again)))) if again else []
    roots = [row[0] for row in found]
    ids = [*asked, *roots]  # a root itself may have put a workflow in its place, whose last job it is
    rows = (yield from ask(sql.never_ran_of, ids=json.dumps(ids))) if ids else []
    if roots:
        if sql.read_all is not None:
            yield from ask(sql.read_all)  # no index leads from the root of a workflow to its results
        rows += yield from ask(sql.never_ran_under, ids=json.dumps(roots))
    known: dict[str, list[str]] = {id_: json.loads(result)["waited"] for id_, result in rows}
    return _following(known, {*again, *known.keys() & set(asked)})


def _following(known: dict[str, list[str]], first: Collection[str]) -> dict[str, list[str]]:
    """Return those that wait, directly or through others, for one of the first, or are among them."""
    found = {id_: known[id_] for id_ in first if id_ in known}
    left = {id_: parents for id_, parents in known.items() if id_ not in found}
    reached = set(first)
    while more := {id_: parents for id_, parents in left.items() if not reached.isdisjoint(parents)}:
        found |= more
        reached.update(more)
        left = {id_: parents for id_, parents in left.items() if id_ not in more}
    return found

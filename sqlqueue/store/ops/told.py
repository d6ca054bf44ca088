"""What running tasks tell of themselves: a state with a meaning of their own, and what belongs to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.sizes import portions
from sqlqueue.store.operation import ask, ask_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


MOST_AT_ONCE = 5000
"""States in one statement."""


class Told(NamedTuple):
    """A state that a running job is to show.

    Parameters
    ----------
    token: of the claim under which the job runs; another one's word does not count. None: whichever claim it is.
    meta: JSON text.
    """

    id: str
    token: int | None
    state: str
    meta: str


def tell(dialect: Dialect, told: Sequence[Told]) -> Op[None]:
    """Show these states, of jobs that run; each replaces the one before it. The jobs' own rows are left alone."""
    *others, last = portions(told, [len(one.meta) for one in told], MOST_AT_ONCE)
    for some in others:
        yield from ask(dialect.sql.tell_states, told=json.dumps(some))
    yield from ask_last(dialect.sql.tell_states, told=json.dumps(last))


def forget_told(dialect: Dialect) -> Op[None]:
    """Forget what was told of jobs that are over."""
    yield from ask_last(dialect.sql.forget_told)

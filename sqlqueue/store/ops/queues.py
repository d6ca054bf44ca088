"""Queues as such: paused or not, and what waits in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.states import State
from sqlqueue.store.operation import ask_last
from sqlqueue.store.rows import moment

if TYPE_CHECKING:
    from datetime import datetime

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class Count(NamedTuple):
    """How many jobs of one queue and one task are in one state, and how long the oldest has waited, in seconds."""

    queue: str
    task: str
    state: State
    jobs: int
    oldest: float


def pause(dialect: Dialect, name: str) -> Op[None]:
    """Let nobody claim from a queue from now on, whether it has jobs or not; workers learn it a moment later."""
    yield from ask_last(dialect.sql.pause, name=name)


def resume(dialect: Dialect, name: str) -> Op[bool]:
    """Let workers claim again; False when the queue was not paused."""
    return bool((yield from ask_last(dialect.sql.resume, name=name)))


def paused(dialect: Dialect) -> Op[dict[str, datetime | None]]:
    """Return the paused queues, and since when they are."""
    rows = yield from ask_last(dialect.sql.paused)
    return {name: moment(since) for name, since in rows}


def counts(dialect: Dialect) -> Op[list[Count]]:
    """Count the unfinished jobs; reads them all."""
    rows = yield from ask_last(dialect.sql.counts)
    return [
        Count(queue, task, State(state), jobs, max(float(oldest), 0.0)) for queue, task, state, jobs, oldest in rows
    ]

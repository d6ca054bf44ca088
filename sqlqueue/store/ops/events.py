"""The stream of events: what workers and senders tell to whoever watches now. Nothing relies on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.store.operation import ask, ask_last

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op

KEPT = 60.0
"""Seconds that an event may be read."""

MOST_KEPT = 100_000
"""Events in the table, whatever their age."""


class Told(NamedTuple):
    """An event and its number, which grows from each to the next, whoever tells it."""

    seq: int
    event: dict[str, Any]


def tell_events(dialect: Dialect, events: Sequence[Mapping[str, Any]], *, always: bool) -> Op[None]:
    """Write events, each with at least its ``type`` and ``hostname``.

    Parameters
    ----------
    always: also while nobody watches.
    """
    yield from ask_last(dialect.sql.tell_events, events=json.dumps(events, default=repr), always=always)


def watch_events(dialect: Dialect, holder: str, seconds: float) -> Op[None]:
    """Say that somebody watches, for ``seconds`` from now.

    Parameters
    ----------
    holder: any incarnation: there may be several, and who that is does not matter.
    """
    yield from ask_last(dialect.sql.watch_events, holder=holder, seconds=seconds)


def newest_event(dialect: Dialect) -> Op[int]:
    """Return the number of the newest event, 0 when there is none: with it one begins to read."""
    ((newest,),) = yield from ask_last(dialect.sql.newest_event)
    return int(newest)


def read_events(dialect: Dialect, after: int, at_most: int = 1000) -> Op[list[Told]]:
    """Return events whose number is larger than ``after``, in order."""
    rows = yield from ask_last(dialect.sql.read_events, after=after, at_most=at_most)
    return [Told(seq, json.loads(event)) for seq, event in rows]


def prune_events(dialect: Dialect, seconds: float = KEPT, at_most: int = MOST_KEPT) -> Op[None]:
    """Forget events older than ``seconds``, and the oldest of more than ``at_most``."""
    yield from ask(dialect.sql.prune_events, seconds=seconds, at_most=at_most)

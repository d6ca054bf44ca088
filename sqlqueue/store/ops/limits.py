"""Limits of the whole fleet as an operator sees them: set, cleared, listed. Who grants reads them each time anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.quota import Quota
from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class LimitRow(NamedTuple):
    """A limit that somebody has set or that is in use.

    Parameters
    ----------
    quota: as it was set; None: each job's sender, or its worker's settings, say what is allowed.
    running: jobs that run under it now.
    starts: those that it remembers to have started lately, for a limit that counts starts.
    """

    name: str
    quota: Quota | None
    running: int
    starts: int


def set_limit(dialect: Dialect, name: str, quota: Quota) -> Op[None]:
    """Let a limit allow this from now on, whatever senders and settings say."""
    running, starts, seconds = quota
    yield from ask_last(dialect.sql.set_limit, name=name, running=running, starts=starts, seconds=seconds)


def clear_limit(dialect: Dialect, name: str) -> Op[bool]:
    """Let senders and settings say what is allowed; False when nobody had set the limit."""
    return bool((yield from ask_last(dialect.sql.clear_limit, name=name)))


def all_limits(dialect: Dialect) -> Op[list[LimitRow]]:
    """List the limits that were set or are in use."""
    rows = yield from ask_last(dialect.sql.all_limits)
    return [
        LimitRow(name, Quota(running, starts, seconds) if is_set else None, in_use, recent)
        for name, is_set, running, starts, seconds, in_use, recent in rows
    ]

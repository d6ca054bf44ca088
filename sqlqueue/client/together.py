"""Waits for many jobs at a time: looks at a thousand in one query, and sleeps on a few of them.

Awaited, it holds a thread only for each look: whoever is cancelled leaves none behind.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from sqlqueue.client.waiting import observer
from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.words import jobs_that
from sqlqueue.errors import ResultTimeout, StoreUnavailable
from sqlqueue.store.ops.results import finished

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from sqlqueue.client.asker import Asker
    from sqlqueue.client.result import AsyncResult

AT_A_TIME = 1000
"""Ids in one look at the results."""

WATCHED = 100
"""Jobs of many that are waited for at a time; when one is over, all are looked at."""

LOOK_AGAIN = 1.0
"""Seconds after which all are looked at though none of those watched is over."""


def look_at(results: Sequence[AsyncResult[Any]], asker: Asker) -> list[AsyncResult[Any]]:
    """Look at all that are not known to be over, and return those that are not."""
    pending = {one.id: one for one in results if not one.is_over}
    ids = list(pending)
    for start in range(0, len(ids), AT_A_TIME):
        for record in asker.store.read(finished, ids[start : start + AT_A_TIME]):
            pending.pop(record.id).know(record)
    return list(pending.values())


def wait_for_all(results: Sequence[AsyncResult[Any]], asker: Asker, timeout: float | None, *, propagate: bool) -> None:
    """Wait until all are over; with ``propagate`` the first that is seen to have failed raises.

    The last of them is slept on: when it is over, usually all are.
    """
    deadline = None if timeout is None else monotonic() + timeout
    while True:
        if not (pending := _pending(results, asker, propagate=propagate)):
            return
        with in_time(pending[-1], pending, timeout):
            pending[-1].get(_left(deadline), propagate=propagate, disable_sync_subtasks=False)


@contextmanager
def in_time(one: AsyncResult[Any], pending: Sequence[AsyncResult[Any]], timeout: float | None) -> Iterator[None]:
    """Let a ResultTimeout of ``one`` say the time that was given for all of ``pending``."""
    try:
        yield
    except ResultTimeout:
        if one.is_over:  # that is what its task has raised
            raise
        raise _late(sum(not each.is_over for each in pending), timeout) from None


async def await_all(
    results: Sequence[AsyncResult[Any]], asker: Asker, timeout: float | None, *, propagate: bool
) -> None:
    """The same, awaited."""
    deadline = None if timeout is None else monotonic() + timeout
    while pending := await asyncio.to_thread(_pending, results, asker, propagate=propagate):
        with in_time(pending[-1], pending, timeout):
            await pending[-1].aget(_left(deadline), propagate=propagate)


def as_done(results: Sequence[AsyncResult[Any]], asker: Asker, timeout: float | None) -> Iterator[AsyncResult[Any]]:
    """Yield each when it is over, whichever is first."""
    deadline = None if timeout is None else monotonic() + timeout
    left = list(results)
    while left:
        pending = _pending(left, asker)
        over = [one for one in left if one.is_over]
        yield from sorted(over, key=_when)
        left = pending
        if left and not over:
            _watch(left, asker, _left(deadline), timeout)


async def as_done_awaited(results: Sequence[AsyncResult[Any]], asker: Asker) -> AsyncIterator[AsyncResult[Any]]:
    """The same, awaited, for ever."""
    left = list(results)
    while left:
        pending = await asyncio.to_thread(_pending, left, asker)
        for one in sorted([one for one in left if one.is_over], key=_when):
            yield one
        if pending and len(pending) == len(left):
            with ExitStack() as awaited:
                some = [observer(awaited.enter_context(asker.waiting.awaited(one.id))) for one in pending[:WATCHED]]
                await asyncio.wait(map(asyncio.wrap_future, some), timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
        left = pending


def _pending(
    results: Sequence[AsyncResult[Any]], asker: Asker, *, propagate: bool = False
) -> list[AsyncResult[Any]]:  # fmt: skip
    """Return those that are not over; while the database cannot be reached, those that were not.

    Parameters
    ----------
    propagate: raise what the first of those that are over has raised.
    """
    try:
        found = look_at(results, asker)
    except StoreUnavailable:
        found = [one for one in results if not one.is_over]
    if propagate:
        for one in results:
            if one.is_over:
                one.get(0, disable_sync_subtasks=False)
    return found


def _watch(
    pending: Sequence[AsyncResult[Any]], asker: Asker, left: float | None, timeout: float | None
) -> None:  # fmt: skip
    """Wait until one of ``pending`` may be over."""
    if left == 0:
        raise _late(len(pending), timeout)
    with ExitStack() as awaited:
        some = [awaited.enter_context(asker.waiting.awaited(one.id)) for one in pending[:WATCHED]]
        wait(some, LOOK_AGAIN if left is None else min(left, LOOK_AGAIN), FIRST_COMPLETED)


def _late(left: int, timeout: float | None) -> ResultTimeout:
    told = jobs_that(left, "was not over within {:g} s; it goes on", "were not over within {:g} s; they go on")
    return ResultTimeout(told.format(timeout))


def _when(one: AsyncResult[Any]) -> float:
    done = one.date_done
    return done.timestamp() if done is not None else 0.0


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - monotonic(), 0.0)

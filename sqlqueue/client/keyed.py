"""Sends jobs with keys that only one job may have: on our own connection, or in the caller's transaction.

Next room: ``store.ops.unique``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlqueue.client import published
from sqlqueue.errors import ConnectionLost
from sqlqueue.signals import PUBLISHES
from sqlqueue.store.ops.unique import Kept, enqueue_keyed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.client.bind import Bound
    from sqlqueue.client.callers import Callers
    from sqlqueue.client.request import CallOptions
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob
    from sqlqueue.notify.waker import Waker
    from sqlqueue.store.store import Store


class Keyed:
    """The sender of jobs with keys of one client."""

    def __init__(self, store: Store, callers: Callers, waker: Waker, config: Config) -> None:
        self._store = store
        self._callers = callers
        self._waker = waker
        self._config = config

    def put(self, jobs: Sequence[NewJob], options: CallOptions) -> tuple[list[Kept], Bound | None]:
        """Insert those jobs whose keys are free, where the call's options say.

        Returns which job stands for each of them, and the caller's connection if it was that.
        """
        given = self._callers.given(options)
        if PUBLISHES.watched:
            jobs = published.before(jobs, self._config.task_max_size)
        if given is None:
            return self._here(jobs), None
        bound = self._callers.bound(given)
        kept = bound.run(enqueue_keyed(bound.dialect, jobs))
        bound.after_commit([placed for one in kept for placed in one.placed], self._waker.placed)
        return kept, bound

    async def aput(self, jobs: Sequence[NewJob], options: CallOptions) -> tuple[list[Kept], Bound | None]:
        """The same, awaited."""
        given = self._callers.given(options)
        if PUBLISHES.watched:
            jobs = published.before(jobs, self._config.task_max_size)
        if given is None:
            return await asyncio.to_thread(self._here, jobs), None
        bound = await self._callers.abound(given)
        kept = await bound.arun(enqueue_keyed(bound.dialect, jobs))
        bound.after_commit([placed for one in kept for placed in one.placed], self._waker.placed)
        return kept, bound

    def _here(self, jobs: Sequence[NewJob]) -> list[Kept]:
        try:
            kept = self._store.run(enqueue_keyed, jobs)
        except ConnectionLost:  # it may have been committed: see `Client._insert`
            kept = self._store.run(enqueue_keyed, [job._replace(given_id=True) for job in jobs])
        self._waker.placed([placed for one in kept for placed in one.placed])
        return kept

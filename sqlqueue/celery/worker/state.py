"""What the worker of this process has seen, in Celery's names; filled while a worker runs in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.outcome import Revoked
from sqlqueue.events.catalog import JobRevoked, JobSucceeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlqueue.domain.job import Job
    from sqlqueue.events.bus import Bus

REVOKES_MAX = 50_000
SUCCESSFUL_MAX = 1000
"""Ids that are remembered."""


class LimitedSet:
    """The newest items, each with the moment at which it came.

    Parameters
    ----------
    maxlen: how many.
    """

    def __init__(self, maxlen: int = REVOKES_MAX, **_: Any) -> None:
        self.maxlen = maxlen
        self._items: dict[Any, float] = {}

    def add(self, item: Any, now: float | None = None) -> None:
        """Add an item, and forget the oldest if there are too many."""
        self._items.pop(item, None)
        self._items[item] = monotonic() if now is None else now
        while len(self._items) > self.maxlen:
            del self._items[next(iter(self._items))]

    def update(self, items: Iterable[Any]) -> None:
        """Add several."""
        for item in items:
            self.add(item)

    def discard(self, item: Any) -> None:
        """Forget an item."""
        self._items.pop(item, None)

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()

    def as_dict(self) -> dict[Any, float]:
        """Return the items with their moments."""
        return dict(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)


revoked = LimitedSet()
revoked_stamps: dict[str, Any] = {}
successful_requests = LimitedSet(SUCCESSFUL_MAX)
requests: dict[str, Any] = {}
reserved_requests: set[Any] = set()
active_requests: set[Any] = set()
should_stop: Any = None
should_terminate: Any = None


def refusal(job: Job) -> Revoked | None:
    """Say that a claimed job is revoked when a stamp of it is; of others nothing."""
    if not revoked_stamps or not job.headers:
        return None
    headers = json.loads(job.headers)
    for name, values in list(revoked_stamps.items()):
        if name in headers and {*map(str, listed(headers[name]))} & {*map(str, listed(values))}:
            return Revoked(f"its stamp {name} was revoked")
    return None


def listed(value: Any) -> list[Any]:
    """Return one value, or several, as a list."""
    return list(value) if isinstance(value, list | tuple | set) else [value]


def watch(bus: Bus) -> None:
    """Take note of what happens to the jobs of a worker in this process."""
    bus.subscribe(lambda event: successful_requests.add(event.id), JobSucceeded)  # type: ignore[union-attr]
    bus.subscribe(lambda event: revoked.add(event.id), JobRevoked)  # type: ignore[union-attr]

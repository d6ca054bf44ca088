"""How many jobs of each task this worker has started on; counted a claim at a time."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlqueue.domain.job import Job

_task = attrgetter("task")


class Totals:
    """Written by the consumer's thread, read by any."""

    def __init__(self) -> None:
        self._found: Counter[str] = Counter()

    def add(self, jobs: Iterable[Job]) -> None:
        """Count a claim."""
        self._found.update(map(_task, jobs))

    def by_task(self) -> dict[str, int]:
        """Return the numbers by the task's name."""
        return dict(self._found.copy())

"""Forgets results past their keep-until and makes room for those to come. The leader's chore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.ops.prune import prune

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.store.link import Link

EVERY = 600.0
"""Seconds between two rounds."""


class Pruner:
    """Prunes while this worker leads.

    Parameters
    ----------
    keep: seconds that results are kept.
    """

    def __init__(self, keep: float, is_leader: Callable[[], bool]) -> None:
        self._keep = keep
        self._is_leader = is_leader

    def tick(self, link: Link) -> float:
        """Prune once, when leading."""
        if self._is_leader():
            link.run(prune, self._keep)
        return EVERY

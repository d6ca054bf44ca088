"""Cuts connections on which no answer comes though they do not break, so that their loops go on with new ones.

What the network loses without a word, the system's TCP finds out; this is for all else that is silent: a proxy or a
pooler that hangs, a server that was stopped.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.link import Link

logger = logging.getLogger("sqlqueue.worker")

LOOK = 2.5
"""Seconds between two looks."""


class Silence:
    """A chore for a loop of its own, since those that it watches may be the ones that wait."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = links

    def tick(self) -> float:
        """Look once."""
        for link in self._links:
            waited = link.cut_if_silent()
            if waited is not None:
                logger.warning("the database has not answered for %.0f s: the connection is cut and made anew", waited)
        return LOOK

"""Jobs that the database says we hold and we know nothing of: the answer to their claim was lost. They go back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlqueue.domain.words import jobs_that
from sqlqueue.store.ops.rescue import held_ids, held_within

if TYPE_CHECKING:
    from sqlqueue.domain.clock import Clock
    from sqlqueue.store.link import Link
    from sqlqueue.worker.held import Held
    from sqlqueue.worker.lanes import Lanes
    from sqlqueue.worker.registration import Registration

logger = logging.getLogger("sqlqueue.worker")

LOOK = 5.0
"""Seconds between two comparisons of what the database says we hold with what we know."""

WHOLE = 60.0
"""Seconds between two comparisons that read every job, and not only as far as our lanes were claimed."""

SHARE = 50
"""A comparison that takes long, since very many jobs wait, is made more rarely: after so many times as long."""

ROUNDS = 3
"""Whole comparisons, after a reconnection, of a worker that claims nothing: the old connection's server process may
still commit its last claim. Afterwards there is nothing to compare until it claims again."""


class Orphans:
    """Compares, and gives back.

    Parameters
    ----------
    held: what we know of.
    lanes: how far each was claimed; what we hold stands before that.
    """

    def __init__(self, registration: Registration, held: Held, lanes: Lanes, clock: Clock) -> None:
        self._registration = registration
        self._held = held
        self._lanes = lanes
        self._clock = clock
        self._rounds = 0
        self._at = clock.monotonic() + LOOK
        self._whole_at = clock.monotonic() + WHOLE

    def suspect(self) -> None:
        """Take note of a reconnection: what was asked on the old connection may have been done."""
        self._rounds = ROUNDS
        self._at = self._clock.monotonic()

    def look(self, link: Link, idle: float) -> None:
        """Compare, if it is time and there may be any.

        Parameters
        ----------
        idle: seconds since the last claim that found something.
        """
        now = self._clock.monotonic()
        if now < self._at:
            return
        self._at = now + LOOK
        if self._rounds or len(self._held) or idle < LOOK:
            self._release(link, whole=self._rounds > 0 or now >= self._whole_at)
            self._rounds = max(self._rounds - 1, 0)
            self._at += max(SHARE * (self._clock.monotonic() - now) - LOOK, 0.0)

    def _release(self, link: Link, *, whole: bool) -> None:
        if whole:
            self._whole_at = self._clock.monotonic() + WHOLE
            held = link.run(held_ids, self._registration.incarnation)
        else:
            held = link.run(held_within, self._registration.incarnation, self._lanes.claimed_up_to())
        orphans = {id_: token for id_, token in held.items() if id_ not in self._held.tokens}
        if orphans:
            told = jobs_that(
                len(orphans), "was claimed without an answer; it goes", "were claimed without an answer; they go"
            )
            logger.warning("%s back", told)
            self._registration.release(link, orphans)

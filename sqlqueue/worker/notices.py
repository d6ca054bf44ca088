"""Looks for what a worker must know besides its jobs: paused queues, limits, commands, who watches; one statement.

Whoever can hear is told to look at once; it is looked often enough anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.ops.notices import notices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlqueue.domain.control import Message
    from sqlqueue.domain.quota import Quota
    from sqlqueue.store.link import Link

LOOK = 0.8
"""Seconds between two looks where nobody tells: a paused queue is let alone within a second."""

LOOK_HEARING = 4.0
"""The same where somebody does, though a message may be lost."""

OVERLAP = 10.0
"""Seconds before the last look from which commands are read again: one may be committed after a later one."""


class Notices:
    """A chore.

    Parameters
    ----------
    incarnation: the worker's, asked anew each time.
    rules: is given the paused queues and the limits that are set.
    watched: is told whether somebody reads the stream of events.
    commands: is given the commands.
    told: whether this worker hears of it at once, asked anew each time.
    """

    def __init__(
        self,
        incarnation: Callable[[], str],
        rules: Callable[[Sequence[str], Mapping[str, Quota]], object],
        watched: Callable[[bool], object],
        commands: Callable[[Sequence[Message]], object],
        told: Callable[[], bool],
    ) -> None:
        self._incarnation = incarnation
        self._rules = rules
        self._watched = watched
        self._commands = commands
        self._told = told
        self._looked_at = 0.0  # by the database's clock

    def tick(self, link: Link) -> float:
        """Look once."""
        found = link.read(notices, self._incarnation(), self._looked_at - OVERLAP)
        self._looked_at = found.now
        self._rules(found.paused, found.limits)
        self._watched(found.watched)
        self._commands(found.messages)
        return LOOK_HEARING if self._told() else LOOK

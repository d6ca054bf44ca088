"""`Controller`: hears commands, executes those that mean this worker, each once, and writes what they answer.

Commands run in a thread of their own: a slow one of the user's must keep neither the beat nor a claim waiting.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.control import Reply
from sqlqueue.errors import SqlqueueError
from sqlqueue.services.loop import Loop
from sqlqueue.store.ops.answer import answer
from sqlqueue.worker.control.table import ALIASES, COMMANDS, INTERNAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.client.commands import Command
    from sqlqueue.domain.control import Message
    from sqlqueue.worker.control.panel import Panel

logger = logging.getLogger("sqlqueue.worker")

REST = 60.0
"""Seconds until it looks again by itself; it is woken when there is something."""


class Controller:
    """One worker's ear."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._inbox: deque[Message] = deque()
        self._met: set[str] = set()
        self.loop = Loop("control", self.tick)

    def take(self, messages: Sequence[Message]) -> None:
        """Take commands that were found, in any thread; what has been met before, or means others, is passed over."""
        registration = self._panel.registration
        for message in messages:
            if message.id not in self._met and message.destination.means(
                self._panel.hostname, registration.incarnation
            ):
                self._inbox.append(message)
        self._met = {message.id for message in messages}  # what is not found any more will not be found again
        if self._inbox:
            self.loop.wake()

    def tick(self) -> float:
        """Execute what has come."""
        while self._inbox:
            message = self._inbox.popleft()
            reply = self._execute(message)
            if message.wants_reply:
                mine = Reply(self._panel.registration.incarnation, self._panel.hostname, reply)
                self._panel.link.run(answer, message.id, mine)
        return min(REST, self._panel.revocations.tick())

    def _execute(self, message: Message) -> Any:
        """Do what a command says; what it raises is its answer."""
        name = ALIASES.get(message.command, message.command)
        found: Command | None = self._panel.app.commands.get(name) or COMMANDS.get(name) or INTERNAL.get(name)
        if found is None:
            return {"error": f"there is no command {message.command!r}"}
        try:
            return found.function(self._panel, **message.arguments)
        except SqlqueueError as error:
            return {"error": str(error)}
        except Exception as error:
            logger.exception("the command %s failed", name)
            return {"error": f"{type(error).__name__}: {error}"}

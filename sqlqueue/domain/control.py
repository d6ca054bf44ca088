"""A command to workers, and who of them is meant. Pure."""

from __future__ import annotations

import fnmatch
import json
import re
import signal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

MATCHERS = ("glob", "pcre")

HEED = "heed"
"""The command that tells a worker of jobs of its own that were revoked."""

LIFE = 60.0
"""Seconds that a command may be found: a worker that could not look for so long is dead, or will be a new one."""


class Destination(NamedTuple):
    """Workers by their names, by a pattern that their names match, or by their incarnations; none of these: all.

    ``matcher`` is ``glob`` (``mail*``) or ``pcre`` (a regular expression that the name begins with).
    """

    names: Sequence[str] | None = None
    pattern: str | None = None
    matcher: str = "glob"
    workers: Sequence[str] | None = None

    def means(self, name: str, incarnation: str) -> bool:
        """Tell whether the worker of that name and incarnation is meant."""
        if self.workers is not None:
            return incarnation in self.workers
        if self.names is not None and name not in self.names:
            return False
        if self.pattern is None:
            return True
        if self.matcher == "glob":
            return fnmatch.fnmatchcase(name, self.pattern)
        return re.match(self.pattern, name) is not None


EVERYBODY = Destination()


class Message(NamedTuple):
    """One command.

    Parameters
    ----------
    arguments: by name; what JSON can hold.
    """

    id: str
    command: str
    arguments: dict[str, Any]
    destination: Destination = EVERYBODY
    wants_reply: bool = False

    def params(self, seconds: float = LIFE) -> dict[str, object]:
        """Return the parameters of the statement that posts it, to live for ``seconds``."""
        everybody = self.destination == EVERYBODY
        return {
            "id": self.id,
            "command": self.command,
            "arguments": json.dumps(self.arguments),
            "destination": None if everybody else json.dumps(self.destination._asdict()),
            "wants_reply": self.wants_reply,
            "seconds": seconds,
        }


class Reply(NamedTuple):
    """What one worker, an incarnation and its name, has answered."""

    worker: str
    name: str
    reply: Any


def signal_of(name: str | int) -> signal.Signals:
    """Return a signal by its name or number, ``SIGTERM``, ``term`` or 15; raises ConfigError for what is none."""
    try:
        if isinstance(name, int) or name.isdecimal():
            return signal.Signals(int(name))
        return signal.Signals["SIG" + name.upper().removeprefix("SIG")]
    except (ValueError, KeyError):
        raise ConfigError(f"there is no signal {name!r}: use a name, such as SIGTERM or SIGKILL") from None

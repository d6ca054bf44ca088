"""A command to workers, and who of them is meant. Pure."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MATCHERS = ("glob", "pcre")


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


class Reply(NamedTuple):
    """What one worker, an incarnation and its name, has answered."""

    worker: str
    name: str
    reply: Any

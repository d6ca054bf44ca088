"""`Broadcaster`: posts a command, and waits for what workers say to it. Who is meant, who must be waited for.

Next room: ``store.ops.post``. The answers are made in ``worker.control``.
"""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, TypedDict

from sqlqueue.client.jobs import call_workers
from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.control import MATCHERS, Destination, Message, Reply
from sqlqueue.domain.ids import new_job_id
from sqlqueue.errors import ConfigError
from sqlqueue.store.ops.post import post
from sqlqueue.store.ops.replies import replies
from sqlqueue.store.ops.workers import observe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlqueue.store.store import Store

PATIENCE = 1.0
"""Seconds that answers are waited for, at most, where workers hear of a command at once."""

PATIENCE_POLLING = 3.0
"""The same where they must look for it themselves, which they do within a second."""

FIRST_LOOK = 0.005
LONGEST_LOOK = 0.05
"""Seconds between two looks for answers: from the first to the second."""

ROLL_CALL = 1.0
"""Seconds after which it is looked again who lives: one that has ended since is not waited for."""


class Asking(TypedDict, total=False):
    """Whom a command is for, and what is wanted of them.

    Parameters
    ----------
    destination: names of workers, or one; without it all of them.
    pattern: that their names must match. ``matcher`` says how: ``glob``, or ``pcre`` for a regular expression.
    reply: wait for answers.
    timeout: seconds to wait for them at most; it ends as soon as every living worker that is meant has answered.
    limit: as many answers as are enough.
    callback: is given each answer as it comes, as a dict of the worker's name and what it said.
    """

    destination: Sequence[str] | str | None
    pattern: str | None
    matcher: str | None
    reply: bool
    timeout: float | None
    limit: int | None
    callback: Callable[[dict[str, Any]], object] | None


Said = list[dict[str, Any]] | None
"""What each worker has said, by its name; None when nobody was asked to reply."""


class Broadcaster:
    """The way of commands to the workers of one database, and of answers back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def broadcast(self, command: str, arguments: Mapping[str, Any] | None, how: Asking) -> Said:
        """Send a command to workers; return what they say to it, if they are to reply; see `Control.broadcast`."""
        meant = _destination(how)
        message = Message(new_job_id(), command, _checked(command, arguments or {}), meant, how.get("reply", False))
        expected = _living(self._store, meant) if message.wants_reply else set()
        if message.wants_reply and not expected:
            return []
        self._store.run(post, message)
        call_workers(self._store)
        return self._gather(message, expected, how) if message.wants_reply else None

    def _gather(self, message: Message, expected: set[str], how: Asking) -> list[dict[str, Any]]:
        """Wait for answers until all have come that will, enough have, or the time is over."""
        looked = monotonic()
        deadline = looked + self._patience(how.get("timeout"))
        limit, callback = how.get("limit"), how.get("callback")
        found: list[Reply] = []
        rest, pause = FIRST_LOOK, threading.Event()
        while True:
            now = monotonic()
            new = self._store.read(replies, message.id)[len(found) :]
            found += new
            for one in new:
                if callback is not None:
                    callback({one.name: one.reply})
            enough = limit is not None and len(found) >= limit
            if enough or expected <= {one.worker for one in found} or now >= deadline:
                return [{one.name: one.reply} for one in found[:limit]]
            if now - looked >= ROLL_CALL:
                looked, expected = now, expected & _living(self._store, message.destination)
            pause.wait(min(rest, deadline - now))
            rest = min(rest * 2, LONGEST_LOOK)

    def _patience(self, timeout: float | None) -> float:
        if timeout is not None:
            return timeout
        dialect = self._store.dialect
        return PATIENCE if dialect.listens or dialect.watches else PATIENCE_POLLING


def _living(store: Store, meant: Destination) -> set[str]:
    return {one.incarnation for one in store.read(observe) if meant.means(one.name, one.incarnation)}


def _destination(how: Asking) -> Destination:
    names, pattern, matcher = how.get("destination"), how.get("pattern"), how.get("matcher") or "glob"
    if matcher not in MATCHERS:
        raise ConfigError(f"there is no matcher {matcher!r}: use one of {', '.join(MATCHERS)}")
    if pattern is not None and matcher == "pcre":
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigError(f"{pattern!r} is no regular expression: {error}") from None
    return Destination([names] if isinstance(names, str) else names and list(names), pattern, matcher)


def _checked(command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the arguments of {command!r} must be what JSON can hold: {error}") from None
    return dict(arguments)

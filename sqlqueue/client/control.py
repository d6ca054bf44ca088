"""`Control`: commands to workers, through the database. Who is meant, who must be waited for, what they answer.

Next room: ``inspection``, which only asks. The answers are made in ``worker.control``.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from sqlqueue.client.inspection import Inspect
from sqlqueue.client.jobs import Jobs, call_workers
from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.control import MATCHERS, Destination, Message, Reply
from sqlqueue.domain.ids import new_job_id
from sqlqueue.domain.which import Which
from sqlqueue.errors import ConfigError
from sqlqueue.store.ops.post import post
from sqlqueue.store.ops.replies import replies
from sqlqueue.store.ops.workers import observe

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from sqlqueue.notify.waker import Waker
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


Stamps = Mapping[str, str | Sequence[str]] | Sequence[str]
"""Names and values of stamps: a dict, or words such as ``order=17``."""


class Sender(Protocol):
    """What is needed of the client."""

    store: Store
    waker: Waker


class Control:
    """Commands to the workers of one database."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._store = sender.store

    def inspect(
        self,
        destination: Sequence[str] | str | None = None,
        timeout: float | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        limit: int | None = None,
        pattern: str | None = None,
        matcher: str | None = None,
    ) -> Inspect:
        """Return what asks workers about themselves; see `Asking`. One that is named alone answers without its name."""
        asked: Asking = {
            "destination": destination, "timeout": timeout, "callback": callback, "limit": limit, "pattern": pattern,
            "matcher": matcher,
        }  # fmt: skip
        return Inspect(self, asked)

    def broadcast(self, command: str, arguments: Mapping[str, Any] | None = None, **how: Unpack[Asking]) -> Said:
        """Send a command to workers; with ``reply=True`` wait for what they say and return it, a dict for each.

        Raises
        ------
        ConfigError: the destination, the pattern or an argument cannot be.
        """
        meant = _destination(how)
        message = Message(new_job_id(), command, _checked(command, arguments or {}), meant, how.get("reply", False))
        expected = _living(self._store, meant) if message.wants_reply else set()
        if message.wants_reply and not expected:
            return []
        self._store.run(post, message)
        call_workers(self._store)
        return self._gather(message, expected, how) if message.wants_reply else None

    async def abroadcast(self, command: str, arguments: Mapping[str, Any] | None = None, **how: Unpack[Asking]) -> Said:
        """The same, awaited."""
        return await asyncio.to_thread(self.broadcast, command, arguments, **how)

    def ping(
        self, destination: Sequence[str] | str | None = None, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """Return a pong of each living worker."""
        return self.broadcast("ping", destination=destination, timeout=timeout, reply=True) or []

    async def aping(
        self, destination: Sequence[str] | str | None = None, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """The same, awaited."""
        return await asyncio.to_thread(self.ping, destination, timeout)

    def revoke(
        self, task_id: str | Sequence[str], *, terminate: bool = False, signal: str | int = "SIGTERM",
        **how: Unpack[Asking],
    ) -> Said:  # fmt: skip
        """Revoke jobs by their ids, in the database, whoever holds them; see `Jobs.revoke`."""
        ids = [task_id] if isinstance(task_id, str) else list(task_id)
        Jobs(self._sender).revoke(Which(ids=ids), terminate=terminate, signal=signal)
        return self._confirmed("revoke", {"task_id": ids}, how)

    def terminate(self, task_id: str | Sequence[str], signal: str | int = "SIGTERM", **how: Unpack[Asking]) -> Said:
        """Revoke jobs and end those that run."""
        return self.revoke(task_id, terminate=True, signal=signal, **how)

    def revoke_by_stamped_headers(
        self, headers: Stamps, *, terminate: bool = False, signal: str | int = "SIGTERM",
        **how: Unpack[Asking],
    ) -> Said:  # fmt: skip
        """Revoke jobs by their stamps: those that have one of the values under one of these names."""
        for which in by_stamps(headers):
            Jobs(self._sender).revoke(which, terminate=terminate, signal=signal)
        return self._confirmed("revoke_by_stamped_headers", {"headers": headers}, how)

    def _confirmed(self, command: str, arguments: Mapping[str, Any], how: Asking) -> Said:
        """Ask workers whether they know of a revocation, which stands in the database without them."""
        return self.broadcast(command, arguments, **how) if how.get("reply") else None

    def rate_limit(self, task_name: str, rate_limit: str | float, **how: Unpack[Asking]) -> Said:
        """Let a task start only so often in each worker, such as ``10/m``; 0 for as often as it likes."""
        return self.broadcast("rate_limit", {"task_name": task_name, "rate_limit": rate_limit}, **how)

    def time_limit(
        self, task_name: str, soft: float | None = None, hard: float | None = None, **how: Unpack[Asking]
    ) -> Said:
        """Change a task's time limits, in seconds, for jobs that start from now on."""
        return self.broadcast("time_limit", {"task_name": task_name, "soft": soft, "hard": hard}, **how)

    def add_consumer(self, queue: str, **how: Unpack[Asking]) -> Said:
        """Let workers serve a queue too."""
        return self.broadcast("add_consumer", {"queue": queue}, **how)

    def cancel_consumer(self, queue: str, **how: Unpack[Asking]) -> Said:
        """Let workers serve a queue no more."""
        return self.broadcast("cancel_consumer", {"queue": queue}, **how)

    def pool_grow(self, n: int = 1, **how: Unpack[Asking]) -> Said:
        """Let workers run so many more jobs at a time."""
        return self.broadcast("pool_grow", {"n": n}, **how)

    def pool_shrink(self, n: int = 1, **how: Unpack[Asking]) -> Said:
        """Let workers run so many jobs fewer at a time."""
        return self.broadcast("pool_shrink", {"n": n}, **how)

    def pool_restart(self, **how: Unpack[Asking]) -> Said:
        """Let workers replace their children, each after its present job."""
        return self.broadcast("pool_restart", {}, **how)

    def autoscale(self, max: int, min: int | None = None, **how: Unpack[Asking]) -> Said:  # noqa: A002 - Celery's
        """Let workers run as many jobs at a time as are wanted, between two bounds."""
        return self.broadcast("autoscale", {"max": max, "min": min}, **how)

    def shutdown(self, **how: Unpack[Asking]) -> Said:
        """End workers, in good order."""
        return self.broadcast("shutdown", {}, **how)

    def heartbeat(self, **how: Unpack[Asking]) -> Said:
        """Let workers show now that they live."""
        return self.broadcast("heartbeat", {}, **how)

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


def by_stamps(headers: Stamps) -> list[Which]:
    """Return the jobs that have one of these values under one of these names."""
    if not isinstance(headers, Mapping):
        headers = dict(word.partition("=")[::2] for word in headers)
    listed = {name: [values] if isinstance(values, str) else list(values) for name, values in headers.items()}
    return [Which(header=name, header_values=values) for name, values in listed.items()]


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

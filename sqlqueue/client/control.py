"""`Control`: commands to workers, through the database, each a method; `Inspect` in ``inspection`` only asks.

Next room: ``broadcasting``, which sends them and waits for what workers say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlqueue.client.broadcasting import Broadcaster
from sqlqueue.client.inspection import Inspect
from sqlqueue.client.jobs import Jobs
from sqlqueue.domain.which import Which

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from sqlqueue.client.broadcasting import Asking, Said
    from sqlqueue.notify.waker import Waker
    from sqlqueue.store.store import Store

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
        self._broadcaster = Broadcaster(sender.store)

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
        return self._broadcaster.broadcast(command, arguments, how)

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
        return _confirmed(self, "revoke", {"task_id": ids}, how)

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
        return _confirmed(self, "revoke_by_stamped_headers", {"headers": headers}, how)

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

    def enable_events(self, **how: Unpack[Asking]) -> Said:
        """Let workers tell of tasks in the stream of events, whether or not somebody watches."""
        return self.broadcast("enable_events", {}, **how)

    def disable_events(self, **how: Unpack[Asking]) -> Said:
        """Let workers tell nothing of tasks, whoever watches."""
        return self.broadcast("disable_events", {}, **how)

    def election(self, id: str, topic: str, action: Any = None, **how: Unpack[Asking]) -> Said:  # noqa: A002
        """Let one of the workers act: send the task of a signature (topic ``task``), or carry out a command.

        Parameters
        ----------
        id: elections of one id are one: whoever hears of it first is elected, for an hour.
        topic: ``task``, or the name of a control command, also of the app's own.
        action: the signature, or the command's arguments by name.
        """
        return self.broadcast("election", {"id": id, "topic": topic, "action": action}, **how)


def by_stamps(headers: Stamps) -> list[Which]:
    """Return the jobs that have one of these values under one of these names."""
    if not isinstance(headers, Mapping):
        headers = dict(word.partition("=")[::2] for word in headers)
    listed = {name: [values] if isinstance(values, str) else list(values) for name, values in headers.items()}
    return [Which(header=name, header_values=values) for name, values in listed.items()]


def _confirmed(control: Control, command: str, arguments: Mapping[str, Any], how: Asking) -> Said:
    """Ask workers whether they know of a revocation, which stands in the database without them."""
    return control.broadcast(command, arguments, **how) if how.get("reply") else None

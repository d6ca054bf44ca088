"""`Inspect`: asks workers about themselves. Each question is a command of ``worker.control.looking``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from sqlqueue.client.broadcasting import Asking


class Asks(Protocol):
    """What is needed of `Control`."""

    def broadcast(
        self, command: str, arguments: Mapping[str, Any] | None = None, **how: Unpack[Asking]
    ) -> list[dict[str, Any]] | None:
        """Send a command and return what workers say to it."""


class Inspect:
    """Questions to workers. Each returns a dict of names and answers, None when nobody answers.

    Parameters
    ----------
    how: who is asked, and how long they have; the answer of one worker that is named alone comes without its name.
    """

    def __init__(self, control: Asks, how: Asking) -> None:
        self._control = control
        self._how = how

    def call(self, command: str, **arguments: Any) -> Any:
        """Ask anything: also what an app has added with ``@app.inspect_command``."""
        return self._ask(command, arguments, self._how)

    async def acall(self, command: str, **arguments: Any) -> Any:
        """The same, awaited."""
        return await asyncio.to_thread(self.call, command, **arguments)

    def _ask(self, command: str, arguments: Mapping[str, Any], how: Asking) -> Any:
        asked: Asking = {**how, "reply": True}
        replies = self._control.broadcast(command, arguments, **asked)
        if not replies:
            return None
        found = {name: answer for reply in replies for name, answer in reply.items()}
        alone = how.get("destination")
        return found.get(alone) if isinstance(alone, str) else found

    def ping(self, destination: Any = None) -> Any:
        """Ask who lives."""
        return self._ask("ping", {}, {**self._how, "destination": destination} if destination else self._how)

    def active(self, safe: bool | None = None) -> Any:  # noqa: ARG002 - Celery's
        """Ask which jobs run."""
        return self.call("active")

    def reserved(self, safe: bool | None = None) -> Any:  # noqa: ARG002 - Celery's
        """Ask which jobs are claimed and have not started, or wait for their task's rate limit."""
        return self.call("reserved")

    def scheduled(self, safe: bool | None = None) -> Any:  # noqa: ARG002 - Celery's
        """Ask which jobs of the worker's queues are not due yet."""
        return self.call("scheduled")

    def query_task(self, *ids: Any) -> Any:
        """Ask what a worker is doing with these jobs."""
        return self.call("query_task", ids=list(ids[0]) if len(ids) == 1 and not isinstance(ids[0], str) else list(ids))

    def registered(self, *taskinfoitems: str) -> Any:
        """Ask which tasks it knows, and what the options of these names are."""
        return self.call("registered", taskinfoitems=list(taskinfoitems))

    registered_tasks = registered

    def revoked(self) -> Any:
        """Ask which jobs were revoked lately."""
        return self.call("revoked")

    def active_queues(self) -> Any:
        """Ask which queues it serves."""
        return self.call("active_queues")

    def stats(self) -> Any:
        """Ask what it has done, and about its pool, its database and what it has used."""
        return self.call("stats")

    def conf(self, with_defaults: bool = False) -> Any:
        """Ask for its settings: those that were changed, or all."""
        return self.call("conf", with_defaults=with_defaults)

    def report(self) -> Any:
        """Ask for versions, tasks and settings."""
        return self.call("report")

    def clock(self) -> Any:
        """Ask for how many milliseconds it has been running."""
        return self.call("clock")

    def hello(self, from_node: str, revoked: Any = None) -> Any:
        """Ask what workers of Celery tell each other when they start: revoked jobs, and the clock."""
        return self.call("hello", from_node=from_node, revoked=revoked)

    def memsample(self) -> Any:
        """Ask how much memory it holds."""
        return self.call("memsample")

    def memdump(self, samples: int = 10) -> Any:
        """Ask how much memory it held when it was asked before."""
        return self.call("memdump", samples=samples)

    def objgraph(self, type: str = "Request", n: int = 200, max_depth: int = 10) -> Any:  # noqa: A002 - Celery's
        """Ask for a graph of objects, which is refused: it would need a library in the worker."""
        return self.call("objgraph", type=type, n=n, max_depth=max_depth)

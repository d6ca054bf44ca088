"""What a command is given: the parts of this worker that may be looked at, or changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Sequence

    from sqlqueue.app import SQLQueue
    from sqlqueue.store.link import Link
    from sqlqueue.worker.autoscale import Autoscaler
    from sqlqueue.worker.options import WorkerOptions
    from sqlqueue.worker.pools.pacer import Pacer
    from sqlqueue.worker.registration import Registration
    from sqlqueue.worker.revocations import Revocations
    from sqlqueue.worker.shutdown import Shutdown
    from sqlqueue.worker.stream import Stream
    from sqlqueue.worker.totals import Totals


class Steered(Protocol):
    """What a command may do to the worker as a whole."""

    def serve(self, queues: Sequence[str]) -> None:
        """Serve these queues from now on."""

    def resize(self, concurrency: int) -> None:
        """Run so many jobs at a time."""

    def stop(self, how: Shutdown) -> None:
        """Begin to end."""


@dataclass(frozen=True)
class Panel:
    """One worker, for its commands.

    Parameters
    ----------
    link: a connection that is shared with the worker's chores: whoever uses it for long keeps the beat waiting.
    started: when the worker started, monotonic.
    epoch: seconds from 1970 to the zero of the monotonic clock, read once: a start is told the same each time.
    samples: what ``memsample`` has found.
    """

    app: SQLQueue
    options: WorkerOptions
    worker: Steered
    registration: Registration
    pool: Pacer
    autoscaler: Autoscaler
    totals: Totals
    revocations: Revocations
    stream: Stream
    link: Link
    started: float
    epoch: float
    samples: deque[str] = field(repr=False)

    @property
    def hostname(self) -> str:
        """The worker's name."""
        return self.options.node_name

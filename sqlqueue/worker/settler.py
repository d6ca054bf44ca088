"""Gathers what became of jobs until the next cycle writes it, and never loses one.

Next room: ``store.ops.settle``, then, in the caller, ``client.result``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.domain.outcome import Committed, Failed, Replaced, Retried, Returned, Succeeded
from sqlqueue.domain.settlement import Finish, Written, decide
from sqlqueue.domain.sizes import AT_ONCE
from sqlqueue.domain.states import State
from sqlqueue.events.catalog import (
    Event,
    JobCrashed,
    JobFailed,
    JobRetried,
    JobReturned,
    JobRevoked,
    JobSucceeded,
    SettlementRefused,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlqueue.domain.job import Job
    from sqlqueue.domain.outcome import Outcome
    from sqlqueue.domain.settlement import Settlement
    from sqlqueue.events.bus import Bus
    from sqlqueue.store.ops.settle import Settled
    from sqlqueue.worker.batching import Batching
    from sqlqueue.worker.held import Held

Done = tuple["Job", "Outcome"]


class Settler:
    """The buffer between the pool and the consumer's cycles.

    Parameters
    ----------
    held: the jobs that are ours to settle; an outcome of any other is dropped.
    batching: learns how long tasks take.
    bus: is told of each that is settled.
    wake: tells the consumer that there is something to settle.
    """

    def __init__(self, held: Held, batching: Batching, bus: Bus, wake: Callable[[], object]) -> None:
        self.held = held
        self.batching = batching
        self.bus = bus
        self._wake = wake
        self._buffer: list[Done] = []
        self._sent: list[Done] = []

    def put(self, done: Sequence[Done]) -> None:
        """Take outcomes from the pool, in any thread."""
        self._buffer += done  # one bytecode, atomic under the interpreter's lock
        self._wake()

    def send_back(self, jobs: list[Job], back: Sequence[Done]) -> list[Job]:
        """Take outcomes of some of these jobs, which are not to start, and return the others."""
        if not back:
            return jobs
        self.put(back)
        away = {job.id for job, _ in back}
        return [job for job in jobs if job.id not in away]

    @property
    def waiting(self) -> int:
        """How many outcomes wait to be settled."""
        return len(self._buffer) + len(self._sent)

    def take(self) -> list[Settlement]:
        """Return the settlements to send now; what was sent before and not confirmed comes first, again."""
        count = self._fitting()
        fresh, self._buffer[:count] = self._buffer[:count], []
        self._learn(fresh)
        ours = self.held.tokens
        pending = self._sent + fresh if self._sent else fresh
        self._sent = [one for one in pending if one[0].id in ours]
        if len(self._sent) < len(pending):
            self._drop([job.id for job, _ in pending if job.id not in ours])
        return [decide(job, outcome) for job, outcome in self._sent]

    def _fitting(self) -> int:
        """Return how many fresh outcomes go into one statement with what is sent again: all, unless they are large."""
        count, room = len(self._buffer), AT_ONCE - _characters(self._sent)
        while count > 1 and _characters(self._buffer[:count]) > room:
            count //= 2
        return count

    def confirm(self, settled: Settled) -> list[str]:
        """Take note of what a committed cycle settled; return the ids of jobs that are over.

        What was not accepted stays to be sent again; see `unsettled`.
        """
        accepted, sent, self._sent = settled.ids, self._sent, []
        waiting = {placed.id for placed in settled.waiting}
        over = []
        for job, outcome in sent:
            if job.id not in accepted:
                self._sent.append((job, outcome))
                continue
            ended = job.id not in waiting  # also what would have waited again, had it not been revoked
            if ended:
                over.append(job.id)
            self._tell(job, outcome, ended=ended)
        self.held.drop(accepted)
        return over

    @property
    def sent(self) -> list[Job]:
        """The jobs whose settlements `take` has returned."""
        return [job for job, _ in self._sent]

    @property
    def unsettled(self) -> list[str]:
        """The ids that were sent and not accepted: not ours any more, or locked by somebody for a while."""
        return [job.id for job, _ in self._sent]

    def refuse(self, ids: Iterable[str]) -> None:
        """Drop outcomes of jobs that are not ours any more."""
        self.held.drop(ids)
        self.take()

    def _drop(self, ids: Iterable[str]) -> None:
        """Say of outcomes that come too late that they change nothing: their jobs are others' by now."""
        for id_ in ids:
            self.bus.emit(SettlementRefused(id_))

    def _learn(self, done: Sequence[Done]) -> None:
        times = [
            outcome.runtime for _, outcome in done if isinstance(outcome, Succeeded | Committed | Failed | Retried)
        ]
        self.batching.learn(len(times), sum(times))

    def _tell(self, job: Job, outcome: Outcome, *, ended: bool) -> None:
        if type(outcome) is Succeeded and not self.bus.wants(JobSucceeded):
            return  # tens of thousands a second, usually for nobody
        if type(outcome) is Replaced:
            return  # it goes on under its id, as another task
        if ended and type(outcome) is not Succeeded and not isinstance(decide(job, outcome), Finish | Written):
            self.bus.emit(JobRevoked(job.id, job.task, "revoked while it ran"))
        elif not isinstance(outcome, Returned) or (outcome.reason is not None and not outcome.quiet):
            self.bus.emit(_event(job, outcome))


def _characters(done: Sequence[Done]) -> int:
    """Return how large what tasks returned is, or want to have at the next try; what is said of failures is short."""
    results = [len(outcome.result) for _, outcome in done if type(outcome) is Succeeded and outcome.result]
    changes = [len(outcome.change) for _, outcome in done if type(outcome) is Retried and outcome.change]
    return sum(results) + sum(changes)


def _event(job: Job, outcome: Outcome) -> Event:
    """Return what to tell of a settled outcome."""
    if isinstance(outcome, Succeeded | Committed):
        return JobSucceeded(job.id, job.task, outcome.runtime, outcome.result)
    if isinstance(outcome, Failed):
        trace = None if outcome.expected else outcome.failure.traceback
        return JobFailed(job.id, job.task, outcome.failure.error, trace, outcome.runtime)
    if isinstance(outcome, Retried):
        failure = outcome.failure
        return JobRetried(job.id, job.task, outcome.delay, failure.error, failure.traceback, outcome.runtime)
    settlement = decide(job, outcome)
    if isinstance(settlement, Finish) and settlement.state is State.REVOKED:
        return JobRevoked(job.id, job.task, settlement.failure.error if settlement.failure else "")
    reason = getattr(outcome, "reason", None) or "returned"
    if isinstance(outcome, Returned):
        return JobReturned(job.id, job.task, reason, outcome.delay)
    return JobCrashed(job.id, job.task, reason, isinstance(settlement, Finish))

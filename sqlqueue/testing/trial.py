"""How fast the queue is on a database that somebody has: `sqlqueue bench`. The project's own benchmarks share parts.

It works in tables of its own: the app's broker and schema must be ones that were made for the trial.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sqlqueue.app import SQLQueue
from sqlqueue.client.request import NO_DEFAULTS, build
from sqlqueue.domain.clock import monotonic
from sqlqueue.domain.states import State
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.results import finished
from sqlqueue.testing.processes import memory, processor_seconds, running_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlqueue.client.result import AsyncResult

T = TypeVar("T")

QUEUE = "bench"
CHUNK = 1000
"""Jobs in one commit."""

WARM_UP = 20
"""Calls before those that count."""

APART = 0.02
"""Seconds between two calls to an idle worker."""

SETTLE = 3.0
"""Seconds after which a worker without work is idle."""

PATIENCE = 300.0
"""Seconds for any one answer."""

app = SQLQueue("sqlqueue.testing.trial", task_default_queue=QUEUE)


@app.task
def add(x: int, y: int) -> int:
    """Do next to nothing."""
    return x + y


@app.task
def stamp() -> int:
    """Tell when it began: one clock for all processes of a machine."""
    return time.monotonic_ns()


class Measured(NamedTuple):
    """One measured value."""

    what: str
    value: float
    unit: str


class Length(NamedTuple):
    """How much a trial does."""

    drained: int
    one_by_one: int
    calls: int
    idle: float  # seconds


USUAL = Length(100_000, 2_000, 200, 5.0)
QUICK = Length(2_000, 100, 20, 1.0)


def trial(options: Sequence[str], environment: Mapping[str, str], length: Length = USUAL) -> Iterator[Measured]:
    """Measure everything once; asserts that every job has its right result.

    Parameters
    ----------
    options: of ``sqlqueue worker``: pool and concurrency.
    environment: tells the worker the database that this process's app is on.
    """
    seconds, _ = timed(lambda: [add.delay(i, i) for i in range(length.one_by_one)])
    yield Measured("enqueue, one by one", length.one_by_one / seconds, "/s")
    first = stamp.delay()
    seconds, ids = timed(lambda: send_many(length.drained))
    last = stamp.delay()
    yield Measured("enqueue, 1,000 a commit", length.drained / seconds, "/s")
    with running_workers("sqlqueue.testing.trial", ["--queue", QUEUE, *options], environment) as crew:
        yield Measured("drain", length.drained / (_answer(last, crew.check) - first.get(PATIENCE)) * 1e9, "/s")
        check(ids)
        round_trips(stamp.delay, WARM_UP)
        starts, answers = round_trips(stamp.delay, length.calls)
        for name, values in (("pick-up by an idle worker", starts), ("delay().get()", answers)):
            for part in (0.5, 0.99):
                yield Measured(f"{name}, p{part * 100:g}", sorted(values)[int(len(values) * part)], "ms")
        if sys.platform == "linux":
            pause(SETTLE)
            before = processor_seconds(crew.pids)
            pause(length.idle)
            yield Measured("idle worker, processor", (processor_seconds(crew.pids) - before) / length.idle * 100, "%")
            yield Measured("idle worker, memory", memory(crew.pids), "MB")


def send_many(count: int) -> list[str]:
    """Insert calls of `add(i, i)` by the thousand, and return their ids."""
    ids = []
    for first in range(0, count, CHUNK):
        calls = range(first, min(first + CHUNK, count))
        jobs = [build(add.name, (i, i), {}, {}, NO_DEFAULTS, app.conf) for i in calls]
        app.client.waker.placed(app.store.run(enqueue, jobs))
        ids += [job.id for job in jobs]
    return ids


def check(ids: Sequence[str]) -> None:
    """Assert that the job of each id has succeeded with the sum that was asked of it.

    Raises
    ------
    RuntimeError: one has not, though the last one sent has.
    """
    for first in range(0, len(ids), CHUNK):
        asked = ids[first : first + CHUNK]
        wanted = {id_: str(2 * (first + number)) for number, id_ in enumerate(asked)}
        found: dict[str, str | None] = {}
        deadline = monotonic() + PATIENCE
        while len(found) < len(asked) and monotonic() < deadline:  # other children may be a batch behind
            records = app.store.read(finished, asked)
            found = {record.id: record.result for record in records if record.state is State.SUCCEEDED}
        if found != wanted:
            raise RuntimeError(f"{len(wanted.items() - found.items())} of {len(asked)} jobs have no or a wrong result")


def round_trips(call: Callable[[], AsyncResult[int]], count: int) -> tuple[list[float], list[float]]:
    """Return milliseconds from each call to the task's start, and to the answer in the caller's hand."""
    starts, answers = [], []
    for _ in range(count):
        pause(APART)
        called = time.monotonic_ns()
        started = call().get(timeout=PATIENCE)
        answered = time.monotonic_ns()
        starts.append((started - called) / 1e6)
        answers.append((answered - called) / 1e6)
    return starts, answers


def timed(run: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that it took, and what it returned."""
    started = monotonic()
    found = run()
    return monotonic() - started, found


def pause(seconds: float) -> None:
    """Do nothing for so long."""
    threading.Event().wait(seconds)


def _answer(result: AsyncResult[int], check: Callable[[], None]) -> int:
    """Wait for a job, and look now and then whether its worker still lives."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            return result.get(timeout=1.0)
        except TimeoutError:
            check()
            if monotonic() > deadline:
                raise

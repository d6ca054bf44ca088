"""How long a caller waits for an idle worker: call to start, call to answer, and how late a countdown ends."""

import time
from collections.abc import Iterator

from .figures import Sample, quantile
from .ground import Database
from .sender import sender
from .tasks import stamp
from .workers import POOLS, workers

WARM_UP = 20  # calls
APART = 0.02  # seconds between two calls
PATIENCE = 30.0  # seconds for any one answer


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    for pool in POOLS:
        with database.fresh() as url, workers(database, url, pool) as crew, sender(url):
            crew.wait_until_started()
            _calls(WARM_UP)
            starts, answers = _calls(50 if quick else 200)
            late = _countdowns(20 if quick else 100)
        yield Sample(f"pick-up p50, {pool}", quantile(starts, 0.5), "ms")
        yield Sample(f"pick-up p99, {pool}", quantile(starts, 0.99), "ms")
        yield Sample(f"delay().get() p50, {pool}", quantile(answers, 0.5), "ms")
        yield Sample(f"delay().get() p99, {pool}", quantile(answers, 0.99), "ms")
        yield Sample(f"countdown lateness p99, {pool}", quantile(late, 0.99), "ms")


def _calls(count: int) -> tuple[list[float], list[float]]:
    """Return milliseconds from the call to the task's start, and to the answer in the caller's hand."""
    starts, answers = [], []
    for _ in range(count):
        time.sleep(APART)
        called = time.monotonic_ns()
        started = stamp.delay().get(timeout=PATIENCE)
        answered = time.monotonic_ns()
        starts.append((started - called) / 1e6)
        answers.append((answered - called) / 1e6)
    return starts, answers


def _countdowns(count: int) -> list[float]:
    """Return milliseconds from the moment each job was due, counted from the call, to its start."""
    sent = []
    for number in range(count):
        time.sleep(APART)
        countdown = 0.3 + number % 7 * 0.1
        due = time.monotonic_ns() + countdown * 1e9
        sent.append((due, stamp.apply_async(countdown=countdown)))
    return [(result.get(timeout=PATIENCE) - due) / 1e6 for due, result in sent]

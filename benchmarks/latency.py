"""How long a caller waits for an idle worker: from the call to the task's start, and to the answer."""

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
            _calls(5 if quick else WARM_UP)
            starts, answers = _calls(20 if quick else 300)
        yield Sample(f"pick-up p50, {pool}", quantile(starts, 0.5), "ms")
        yield Sample(f"pick-up p99, {pool}", quantile(starts, 0.99), "ms")
        yield Sample(f"delay().get() p50, {pool}", quantile(answers, 0.5), "ms")
        yield Sample(f"delay().get() p99, {pool}", quantile(answers, 0.99), "ms")


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

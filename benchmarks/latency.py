"""How long a caller waits for an idle worker: from the call to the task's start, and to the answer.

Beside it, at the same pace, what a plain insert of the same row takes with its commit: nothing durable is quicker.
"""

import contextlib
import time
from collections.abc import Iterator

from sqlqueue.testing.trial import APART, WARM_UP, round_trips

from .enqueue import RAW
from .figures import Sample, quantile
from .ground import Database
from .sender import sender
from .tasks import stamp
from .workers import POOLS, workers


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    count = 20 if quick else 300
    with database.fresh() as url:
        inserts = _inserts(database, url, count)
    yield Sample("insert and commit p50, raw", quantile(inserts, 0.5), "ms")
    yield Sample("insert and commit p99, raw", quantile(inserts, 0.99), "ms")
    for pool in POOLS:
        with database.fresh() as url, workers(database, url, pool) as crew, sender(url):
            crew.wait_until_started()
            round_trips(stamp.delay, 5 if quick else WARM_UP)
            starts, answers = round_trips(stamp.delay, count)
        yield Sample(f"pick-up p50, {pool}", quantile(starts, 0.5), "ms")
        yield Sample(f"pick-up p99, {pool}", quantile(starts, 0.99), "ms")
        yield Sample(f"delay().get() p50, {pool}", quantile(answers, 0.5), "ms")
        yield Sample(f"delay().get() p99, {pool}", quantile(answers, 0.99), "ms")


def _inserts(database: Database, url: str, count: int) -> list[float]:
    """Return milliseconds of each insert with its commit."""
    taken = []
    with contextlib.closing(RAW[database.name].inserting(url, WARM_UP + count)) as steps:
        for number in range(WARM_UP + count):
            time.sleep(APART)
            started = time.monotonic_ns()
            next(steps)
            if number >= WARM_UP:
                taken.append((time.monotonic_ns() - started) / 1e6)
    return taken

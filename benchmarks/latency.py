"""How long a caller waits for an idle worker: from the call to the task's start, and to the answer."""

from collections.abc import Iterator

from sqlqueue.testing.trial import WARM_UP, round_trips

from .figures import Sample, quantile
from .ground import Database
from .sender import sender
from .tasks import stamp
from .workers import POOLS, workers


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    for pool in POOLS:
        with database.fresh() as url, workers(database, url, pool) as crew, sender(url):
            crew.wait_until_started()
            round_trips(stamp.delay, 5 if quick else WARM_UP)
            starts, answers = round_trips(stamp.delay, 20 if quick else 300)
        yield Sample(f"pick-up p50, {pool}", quantile(starts, 0.5), "ms")
        yield Sample(f"pick-up p99, {pool}", quantile(starts, 0.99), "ms")
        yield Sample(f"delay().get() p50, {pool}", quantile(answers, 0.5), "ms")
        yield Sample(f"delay().get() p99, {pool}", quantile(answers, 0.99), "ms")

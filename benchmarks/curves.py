"""How the drain depends on what could slow it: backlog, history, queues, workers, and the time a snapshot is held.

A sample is a point, `NAME curve: X`; `benchmarks.plots` draws them.
"""

from collections.abc import Iterator

from .burdens import drained, through_churn, with_backlog
from .drain import PATIENCE, long_enough
from .figures import Sample
from .filling import TENTHS, Pace, fill, job_id, rate, remember
from .ground import Database
from .tasks import QUEUE
from .workers import FASTEST, workers

BACKLOGS = (1_000, 10_000, 100_000, 1_000_000)  # jobs
HISTORIES = (0, 1_000_000)  # results
QUEUES = (1, 10, 1_000)
WORKERS = (1, 2, 4)  # processes
SNAPSHOT = {"postgres": 1_000_000, "sqlite": 700_000}  # jobs drained while it is held: about twenty seconds


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    part = 100 if quick else 1  # of the long ones
    for size in _ends(BACKLOGS, quick=quick):
        seconds = 0.5 if quick else 5.0
        yield _point("backlog", size, with_backlog(database, max(size // part, 500), seconds))
    for size in HISTORIES:
        yield _point("history", size, _with_history(database, size // part, quick=quick))
    for count in _ends(QUEUES, quick=quick):
        yield _point("queues", count, _with_queues(database, count, quick=quick))
    for count in _ends(WORKERS, quick=quick):
        yield _point("workers", count, _with_workers(database, count, quick=quick))
    for held in (False, True):
        found = through_churn(database, SNAPSHOT[database.name] // part, held=held)
        yield from _by_the_second("snapshot held" if held else "no snapshot", found)


def _ends(values: tuple[int, ...], *, quick: bool) -> tuple[int, ...]:
    return (values[0], values[-1]) if quick else values


def _point(curve: str, x: int, value: float) -> Sample:
    return Sample(f"{curve} curve: {x:,}", value)


def _with_history(database: Database, size: int, *, quick: bool) -> float:
    def drain(count: int) -> float:
        with database.fresh() as url:
            if size:
                remember(database, url, size)
            fill(database, url, count)
            database.settle_down(url)
            drained(database, url, count)
            return rate(database, url, count)

    return long_enough(database, f"history {size}", drain, quick=quick)


def _with_queues(database: Database, queues: int, *, quick: bool) -> float:
    names = [QUEUE] if queues == 1 else [f"{QUEUE}{number}" for number in range(queues)]
    pool, usual = FASTEST[database.name]

    def drain(count: int) -> float:
        with database.fresh() as url:
            fill(database, url, count, queues=queues)
            database.settle_down(url)
            with workers(database, url, pool, usual, queues=names) as crew:
                crew.wait_until_drained(job_id(count - 1), count, PATIENCE)
            return rate(database, url, count)

    return long_enough(database, f"queues {queues}", drain, quick=quick)


def _with_workers(database: Database, processes: int, *, quick: bool) -> float:
    def drain(count: int) -> float:
        with database.fresh() as url:
            fill(database, url, count)
            database.settle_down(url)
            drained(database, url, count, processes)
            return rate(database, url, count)

    return long_enough(database, f"workers {processes}", drain, quick=quick)


def _by_the_second(curve: str, found: Pace) -> Iterator[Sample]:
    """Yield the rate of each whole second; the first one holds the workers' start."""
    for second in range(1, len(found.tenths) // TENTHS):
        yield _point(curve, second, float(sum(found.tenths[second * TENTHS : (second + 1) * TENTHS])))

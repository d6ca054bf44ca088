"""Drains under a burden, each beside the same drain without it: the queue must not notice.

A backlog of a million jobs; another session that holds an old snapshot; a million jobs that wait for their time; a bulk
load that nobody has vacuumed or analysed.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from .drain import PATIENCE, long_enough
from .feeder import fed
from .figures import Sample
from .filling import Pace, fill, job_id, pace, rate, schedule
from .ground import Database, connected, rows
from .tasks import HISTORY
from .workers import FASTEST, Crew, workers

FEW, MANY = 10_000, 1_000_000  # jobs of backlog
WARM_UP = 5_000  # results, by which time every worker is at work
MARGIN = 1.5  # seconds to warm up and to be told apart from the end
SECONDS = 5.0  # for which results are counted when the drain does not end by itself
CHURN = 500_000  # jobs through which the snapshot is held
AFTER_CHURN = {"postgres": 350_000, "sqlite": 200_000}  # jobs that are then counted: more than SECONDS of them

HOLD = {"postgres": "BEGIN ISOLATION LEVEL REPEATABLE READ", "sqlite": "BEGIN"}


def measure_backlog(database: Database, *, quick: bool) -> Iterator[Sample]:
    """Results a second while another process tops the queue up, so that about so many always wait."""
    few, many, seconds = (2_000, 20_000, 0.5) if quick else (FEW, MANY, SECONDS)
    control = f"drain, {few:,} waiting"
    yield Sample(control, with_backlog(database, few, seconds))
    yield Sample(f"drain, {many:,} waiting", with_backlog(database, many, seconds), limit=control)


def with_backlog(database: Database, size: int, seconds: float) -> float:
    with database.fresh() as url:
        fill(database, url, size)
        database.settle_down(url)
        with fed(database, url, size), workers(database, url, *FASTEST[database.name]) as crew:
            _run_for(crew, seconds)
        return pace(database, url).rate(skip=WARM_UP, seconds=seconds)


def measure_snapshot(database: Database, *, quick: bool) -> Iterator[Sample]:
    churn, after = (5_000, 10_000) if quick else (CHURN, AFTER_CHURN[database.name])
    control = f"drain, after {churn:,} jobs"
    yield Sample(control, through_churn(database, churn + after, held=False).rate(skip=churn, seconds=SECONDS))
    found = through_churn(database, churn + after, held=True).rate(skip=churn, seconds=SECONDS)
    yield Sample(f"{control}, snapshot held", found, limit=control)


def through_churn(database: Database, count: int, *, held: bool) -> Pace:
    """Drain so many jobs, while another session reads what was there before the first, or without it."""
    with database.fresh() as url:
        fill(database, url, count)
        database.settle_down(url)
        with held_snapshot(database, url) if held else contextlib.nullcontext():
            drained(database, url, count)
        return pace(database, url)


@contextlib.contextmanager
def held_snapshot(database: Database, url: str) -> Iterator[None]:
    with connected(url) as connection:
        rows(connection, HOLD[database.name])
        rows(connection, "SELECT count(*) FROM sqlqueue_workers")
        yield
        rows(connection, "ROLLBACK")


def measure_scheduled(database: Database, *, quick: bool) -> Iterator[Sample]:
    waiting = 20_000 if quick else MANY
    control = "drain, none scheduled"
    yield _sample(database, control, lambda *_: None, quick=quick)
    yield _sample(
        database,
        f"drain, {waiting:,} scheduled",
        lambda ground, url: schedule(ground, url, waiting),
        quick=quick,
        limit=control,
    )


def measure_loaded(database: Database, *, quick: bool) -> Iterator[Sample]:
    control = "drain, vacuumed and analysed"
    yield _sample(database, control, lambda *_: None, quick=quick)
    yield _sample(database, "drain, straight after a bulk load", None, quick=quick, limit=control)


def _sample(
    database: Database,
    name: str,
    prepare: Callable[[Database, str], None] | None,
    *,
    quick: bool,
    limit: str | None = None,
) -> Sample:
    """Measure a whole drain; `prepare` runs before the database settles down, None leaves it as it is."""

    def drain(count: int) -> float:
        with database.fresh() as url:
            fill(database, url, count)
            if prepare is not None:
                prepare(database, url)
                database.settle_down(url)
            drained(database, url, count)
            return rate(database, url, count)

    return Sample(name, long_enough(database, name, drain, quick=quick), limit=limit)


def drained(database: Database, url: str, count: int, workers_: int | None = None) -> None:
    """Let the fastest pool empty the queue."""
    pool, usual = FASTEST[database.name]
    with workers(database, url, pool, workers_ or usual) as crew:
        crew.wait_until_drained(job_id(count - 1), count, PATIENCE)


def _run_for(crew: Crew, seconds: float) -> None:
    """Let the workers work for so long after they have warmed up, and a little more."""
    crew.wait_for(f"SELECT count(*) > {WARM_UP} FROM sqlqueue_results WHERE queue <> '{HISTORY}'", PATIENCE)
    time.sleep(seconds + MARGIN)
    crew.check()

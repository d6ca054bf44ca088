"""The numbers that the queue is built to reach: what each is made of, the least that will do, and the aim.

A row is worked out from the samples of one round; one whose samples were not measured is left out.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .enqueue import GROUP, MANY, ONE, RAW_MANY, RAW_ONE
from .idle import LIBRARIES, OURS

Round = Mapping[str, float]
DEFAULT_POOL = "prefork"
RAW = {"postgres": "raw drain, 2 clients, batches of 500", "sqlite": "raw drain, 1 client, batches of 100"}
IMPORT_SHARE = 0.7  # of what its libraries take to import, that ours may take besides the milliseconds of the row


class Row(NamedTuple):
    """One number; `at_least` is a most where less is better."""

    database: str
    what: str
    at_least: float
    aim: float
    value: Callable[[Round], float]
    unit: str = "x"
    less: bool = False


class Outcome(NamedTuple):
    """A row and what its rounds came to."""

    row: Row
    values: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        value, sign = self.median, -1 if self.row.less else 1
        if sign * value >= sign * self.row.aim:
            return "aim"
        return "at least" if sign * value >= sign * self.row.at_least else "short"

    def as_dict(self) -> dict[str, Any]:
        row = self.row._asdict()
        del row["value"]
        return row | {"values": self.values, "median": self.median, "verdict": self.verdict}


def outcomes(rounds: Mapping[str, Sequence[Round]]) -> Iterator[Outcome]:
    """Yield each row that the rounds' samples suffice for."""
    for row in ROWS:
        values = []
        for samples in rounds.get(row.database, ()):
            try:
                values.append(row.value(samples))
            except (KeyError, ValueError):  # not measured, or nothing of its kind was
                break
        else:
            if values:
                yield Outcome(row, values)


def _best(samples: Round, *endings: str) -> float:
    """Return the fastest drain of any pool with so many workers."""
    return max(v for k, v in samples.items() if k.startswith("drain, ") and k.endswith(endings))


def _drain(samples: Round) -> float:
    return _best(samples, ", 1 worker", ", 2 workers")


def _of(one: str, other: str) -> Callable[[Round], float]:
    return lambda samples: samples[one] / samples[other]


def _only(name: str) -> Callable[[Round], float]:
    return lambda samples: samples[name]


def _against_peer(name: str) -> Callable[[Round], float]:
    return lambda samples: _drain(samples) / samples[f"peer drain, {name}"]


def _pool(name: str) -> Callable[[Round], float]:
    return lambda samples: samples[f"drain, {name}, 1 worker"] / _best(samples, ", 1 worker")


def _late(circumstance: str) -> Callable[[Round], float]:
    return lambda samples: max(samples[f"{kind} late p99, {circumstance}"] for kind in ("countdown", "eta", "retry"))


def _both(database: str) -> Iterator[Row]:
    """Yield what holds on every database."""
    pool, raw_many = DEFAULT_POOL, RAW_MANY[database]
    for name in ("prefork", "threads", "asyncio"):
        yield Row(database, f"drain, {name}, 1 worker, of our best pool's 1 worker", 0.6, 0.85, _pool(name))
    yield Row(database, "delay(), of a raw insert", 0.6, 0.8, _of(ONE, RAW_ONE))
    yield Row(database, f"{MANY}, of {raw_many}", 0.25, 0.5, _of(MANY, raw_many))
    yield Row(database, f"{GROUP}, of {raw_many}", 0.25, 0.5, _of(GROUP, raw_many))
    yield Row(database, "delay().get() p50", 8, 3, _only(f"delay().get() p50, {pool}"), "ms", less=True)
    waiting = _of("drain, 1,000,000 waiting", "drain, 10,000 waiting")
    yield Row(database, "drain, 1,000,000 waiting, of 10,000 waiting", 0.9, 1.0, waiting)
    held = _of("drain, after 500,000 jobs, snapshot held", "drain, after 500,000 jobs")
    yield Row(database, "drain, snapshot held through 500,000 jobs, of none held", 0.8, 0.95, held)
    scheduled = _of("drain, 1,000,000 scheduled", "drain, none scheduled")
    yield Row(database, "drain, 1,000,000 scheduled, of none scheduled", 0.9, 1.0, scheduled)
    loaded = _of("drain, straight after a bulk load", "drain, vacuumed and analysed")
    yield Row(database, "drain straight after a bulk load, of vacuumed and analysed", 0.8, 0.95, loaded)
    for circumstance in ("idle", "loaded"):
        late = f"countdown, eta, retry: late p99, {circumstance}, the worst of them"
        yield Row(database, late, 100, 30, _late(circumstance), "ms", less=True)
    memory = _only(f"idle memory (PSS), {pool}")
    yield Row(database, "idle memory (PSS), prefork, 1 child", 80, 60, memory, "MB", less=True)


ROWS = [
    Row("postgres", "drain, best pool, of the raw limit", 0.45, 0.7, lambda s: _drain(s) / s[RAW["postgres"]]),
    Row("postgres", "the same, of PgQueuer", 1.3, 2.2, _against_peer("PgQueuer")),
    Row("postgres", "the same, of Graphile Worker", 0.6, 1.1, _against_peer("Graphile Worker")),
    Row("postgres", "the same, of Celery + Redis", 20, 40, _against_peer("Celery + Redis")),
    Row("postgres", "the same, of Procrastinate", 40, 70, _against_peer("Procrastinate")),
    Row("sqlite", "drain, best pool, of the raw limit", 0.2, 0.2, lambda s: _drain(s) / s[RAW["sqlite"]]),
    Row("sqlite", "the same, of huey (synchronous=OFF)", 1.5, 3, _against_peer("huey")),
    *_both("postgres"),
    Row("postgres", "pick-up p50", 3, 1.5, _only(f"pick-up p50, {DEFAULT_POOL}"), "ms", less=True),
    Row("postgres", "pick-up p99", 10, 5, _only(f"pick-up p99, {DEFAULT_POOL}"), "ms", less=True),
    Row("postgres", "WAL a job, bulk", 1300, 900, _only("WAL a job, bulk"), "B", less=True),
    Row("postgres", "WAL a job, one by one", 1500, 1000, _only("WAL a job, one by one"), "B", less=True),
    Row("postgres", "idle statements", 2, 1, _only(f"idle statements, {DEFAULT_POOL}"), "/s", less=True),
    Row("postgres", "idle processor", 0.5, 0.2, _only(f"idle processor, {DEFAULT_POOL}"), "%", less=True),
    *_both("sqlite"),
    Row("sqlite", "pick-up p99", 15, 8, _only(f"pick-up p99, {DEFAULT_POOL}"), "ms", less=True),
    Row("sqlite", "idle processor", 1.5, 1, _only(f"idle processor, {DEFAULT_POOL}"), "%", less=True),
    Row(
        "python",
        f"{OURS}, beyond {IMPORT_SHARE} x {LIBRARIES}",
        100,
        30,
        lambda samples: samples[OURS] - IMPORT_SHARE * samples[LIBRARIES],
        "ms",
        less=True,
    ),
]

"""How fast a full queue is emptied: jobs a second from the first claim to the last stored result.

The limit is two plain clients in batches of 500 on PostgreSQL, one in batches of 100 on SQLite, on the same rows.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator

from .figures import Sample
from .filling import fill, job_id, rate
from .ground import Database
from .workers import POOLS, ROOT, workers

PROBE = 10_000  # jobs; tells how many a full drain needs
QUICK = 3_000  # jobs of a quick one
LENGTH = 6.0  # seconds that a drain should last, so that it lasts 5 when the probe was slow to start
PATIENCE = 180.0  # seconds for any one drain

LIMITS = {
    "postgres": [(2, 500), (1, 500)],  # clients and batch; the first is the limit that others are compared with
    "sqlite": [(1, 100), (1, 500)],
}

_rates: dict[tuple[str, str], float] = {}


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    limit = raw_name(database)
    for clients, batch in LIMITS[database.name]:
        name = _raw_name(clients, batch)
        value = long_enough(database, name, _raw(database, clients, batch), quick=quick)
        yield Sample(name, value, limit=None if name == limit else limit)
    for pool in POOLS:
        for count in (1,) if quick and pool != POOLS[0] else (1, 2):
            name = f"drain, {pool}, {count} worker{'s' if count > 1 else ''}"
            yield Sample(name, long_enough(database, name, _ours(database, pool, count), quick=quick), limit=limit)


def raw_name(database: Database) -> str:
    """Return the name of the raw limit's sample."""
    return _raw_name(*LIMITS[database.name][0])


def _raw_name(clients: int, batch: int) -> str:
    return f"raw drain, {clients} client{'s' if clients > 1 else ''}, batches of {batch}"


def long_enough(database: Database, name: str, drain: Callable[[int], float], *, quick: bool) -> float:
    """Drain as many jobs as the last drain of this name says are needed for the full length."""
    key = (database.name, name)
    if key not in _rates:
        if quick:
            return drain(QUICK)
        _rates[key] = drain(PROBE)
    _rates[key] = drain(max(int(_rates[key] * LENGTH), PROBE))
    return _rates[key]


def _raw(database: Database, clients: int, batch: int) -> Callable[[int], float]:
    def drain(count: int) -> float:
        with database.fresh() as url:
            fill(database, url, count)
            database.settle_down(url)
            command = [sys.executable, "-m", f"benchmarks.raw_{database.name}", url, str(batch)]
            processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(clients)]
            assert [process.wait(PATIENCE) for process in processes] == [0] * clients
            return rate(database, url, count, answers=False)

    return drain


def _ours(database: Database, pool: str, processes: int) -> Callable[[int], float]:
    def drain(count: int) -> float:
        with database.fresh() as url:
            fill(database, url, count)
            database.settle_down(url)
            with workers(database, url, pool, processes) as crew:
                crew.wait_until_drained(job_id(count - 1), count, PATIENCE)
            return rate(database, url, count)

    return drain

"""How late a job starts that was to wait: `countdown`, `eta` and `retry(eta=...)`, idle and under load.

The load is another process that sends no-op jobs to the same queue, about a quarter of what the worker can do.
"""

import contextlib
import datetime as dt
import subprocess
import sys
import time
from collections.abc import Iterator

from .figures import Sample, quantile
from .ground import Database
from .sender import sender
from .tasks import stamp, stamp_second_try, stamp_wall
from .workers import POOLS, ROOT, workers

APART = 0.02  # seconds between two calls
PATIENCE = 60.0  # seconds for any one answer
STOP_WITHIN = 30.0  # seconds


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    pool = POOLS[0]
    calls = 8 if quick else 150
    for circumstance in ("idle", "loaded"):
        with database.fresh() as url, workers(database, url, pool) as crew, sender(url):
            crew.wait_until_started()
            load = loaded(database, url) if circumstance == "loaded" else contextlib.nullcontext()
            with load:
                late = {"countdown": _countdowns(calls), "eta": _etas(calls), "retry": _retries(calls)}
        for kind, found in late.items():
            yield Sample(f"{kind} late p50, {circumstance}", quantile(found, 0.5), "ms")
            yield Sample(f"{kind} late p99, {circumstance}", quantile(found, 0.99), "ms")


@contextlib.contextmanager
def loaded(database: Database, url: str) -> Iterator[None]:
    """Send no-op jobs at a steady pace while the block lasts."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.load", url, database.name], cwd=ROOT)
    try:
        yield
        assert process.poll() is None, "the load has ended"
        process.terminate()
        assert process.wait(STOP_WITHIN) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _countdowns(count: int) -> list[float]:
    """Return milliseconds from the moment each job was due, counted from the call, to its start."""
    sent = []
    for number in range(count):
        time.sleep(APART)
        due = time.monotonic_ns() + _wait(number) * 1e9
        sent.append((due, stamp.apply_async(countdown=_wait(number))))
    return [(result.get(timeout=PATIENCE) - due) / 1e6 for due, result in sent]


def _etas(count: int) -> list[float]:
    sent = []
    for number in range(count):
        time.sleep(APART)
        due = time.time() + _wait(number)
        sent.append((due, stamp_wall.apply_async(eta=dt.datetime.fromtimestamp(due, dt.UTC))))
    return [(result.get(timeout=PATIENCE) - due * 1e9) / 1e6 for due, result in sent]


def _retries(count: int) -> list[float]:
    sent = []
    for number in range(count):
        time.sleep(APART)
        due = time.time() + _wait(number)
        sent.append((due, stamp_second_try.delay(due)))
    return [(result.get(timeout=PATIENCE) - due * 1e9) / 1e6 for due, result in sent]


def _wait(number: int) -> float:
    """Return seconds; spread, so that many wait at a time and none of them fall due together."""
    return 0.5 + number % 7 * 0.1

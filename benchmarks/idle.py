"""What a worker costs that has nothing to do: processor, statements, memory. And what importing us costs."""

import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from .figures import Sample
from .ground import Database
from .workers import POOLS, ROOT, workers

TICKS = os.sysconf("SC_CLK_TCK")
SETTLE = 3.0  # seconds after its start until a worker is idle

COMMITS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
OWN_COMMIT = 1  # reading the number is a transaction too


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    seconds = 2.0 if quick else 5.0
    for pool in POOLS:
        with database.fresh() as url, workers(database, url, pool) as crew:
            crew.wait_until_started()
            time.sleep(SETTLE)
            before, commits = _processor(crew.pids), _commits(database, url)
            time.sleep(seconds)
            used, done = _processor(crew.pids) - before, _commits(database, url) - commits - OWN_COMMIT
            memory = sum(_memory(pid) for pid in _family(crew.pids))
        yield Sample(f"idle worker: processor, {pool}", used / seconds * 100, "%")
        if database.name == "postgres":
            yield Sample(f"idle worker: transactions, {pool}", done / seconds)
        yield Sample(f"idle worker: memory (PSS), {pool}", memory, "MB")


def measure_imports(*, quick: bool) -> Iterator[Sample]:
    """Milliseconds to import, in a new process each, not counting the interpreter's own start."""
    times = 3 if quick else 11
    libraries = "import sqlalchemy, psycopg"
    yield Sample(libraries, _import(libraries, times), "ms")
    yield Sample("import sqlqueue", _import("import sqlqueue", times), "ms", limit=libraries)


def _import(statement: str, times: int) -> float:
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        for _ in range(times)
    ]
    return statistics.median(float(run.stdout) for run in runs) * 1000


def _commits(database: Database, url: str) -> int:
    return int(database.ask(url, COMMITS)[0][0]) if database.name == "postgres" else 0


def _processor(pids: list[int]) -> float:
    """Return the processor seconds that processes and their descendants have used."""
    return sum(sum(map(int, _stat(pid)[11:13])) for pid in _family(pids)) / TICKS


def _memory(pid: int) -> float:
    """Return megabytes, what is shared counted in parts."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def _family(pids: list[int]) -> list[int]:
    """Return the processes and all their descendants."""
    found = list(pids)
    for pid in found:
        for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def _stat(pid: int) -> list[str]:
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

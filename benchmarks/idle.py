"""What a worker costs that has nothing to do: processor, statements, memory. And what importing us costs.

Statements are counted in the server's log, which `log_statement` fills for this one database: BEGIN and COMMIT too.
"""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from sqlqueue.testing.processes import memory, processor_seconds

from .figures import Sample
from .ground import Database, Postgres
from .workers import POOLS, ROOT, workers

SETTLE = 4.0  # seconds after its start until a worker is idle

LOG_STATEMENTS = (
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET log_statement = ''all''', current_database()); END $$"
)
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): ")

LIBRARIES, OURS = "import sqlalchemy, psycopg", "import sqlqueue"


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    settle, seconds = (1.0, 1.0) if quick else (SETTLE, 15.0)
    for pool in POOLS:
        with database.fresh() as url:
            if isinstance(database, Postgres):
                database.ask(url, LOG_STATEMENTS)
            # One child: what design says of memory; the other pools have one process anyway.
            with workers(database, url, pool, concurrency=1 if pool == "prefork" else None) as crew:
                crew.wait_until_started()
                time.sleep(settle)
                before, said = processor_seconds(crew.pids), _statements(database)
                time.sleep(seconds)
                used, statements = processor_seconds(crew.pids) - before, _statements(database) - said
                used_memory = memory(crew.pids)
        yield Sample(f"idle processor, {pool}", used / seconds * 100, "%")
        if isinstance(database, Postgres):
            yield Sample(f"idle statements, {pool}", statements / seconds)
        yield Sample(f"idle memory (PSS), {pool}", used_memory, "MB")


def measure_imports(*, quick: bool) -> Iterator[Sample]:
    """Milliseconds to import, in a new process each, not counting the interpreter's start; the first only compiles."""
    times = 2 if quick else 11
    yield Sample(LIBRARIES, _import(LIBRARIES, times), "ms")
    yield Sample(OURS, _import(OURS, times), "ms", limit=LIBRARIES)


def _import(statement: str, times: int) -> float:
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        for _ in range(times + 1)
    ]
    return statistics.median(float(run.stdout) for run in runs[1:]) * 1000


def _statements(database: Database) -> int:
    return len(STATEMENT.findall(database.server.log())) if isinstance(database, Postgres) else 0

"""Real workers, started as a user types it: `sqlqueue -A benchmarks.tasks worker --queue bench --pool threads`."""

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator, Sequence

from sqlqueue.testing.processes import Workers, running_workers
from sqlqueue.worker.options import POOLS as KNOWN_POOLS

from .ground import Database
from .tasks import HISTORY, QUEUE

ROOT = pathlib.Path(__file__).parents[1]
POOLS = list(KNOWN_POOLS)

# Jobs at a time, where the number of processors, which is the default, would not show what the pool is for.
CONCURRENCY = {"threads": 10, "asyncio": 100}

# The pool and the number of workers for measures that compare the queue with itself.
FASTEST = {"postgres": ("solo", 2), "sqlite": ("solo", 1)}

START_WITHIN = 30.0  # seconds until a worker is in the table
LAST_ONES = 60.0  # seconds from the last job's result until those it overtook have theirs


class Crew:
    """Some workers of one database."""

    def __init__(self, database: Database, url: str, running: Workers) -> None:
        self.pids = running.pids
        self.check = running.check
        self._database = database
        self._url = url
        self._running = running

    def wait_for(self, statement: str, seconds: float, pause: float = 0.05) -> None:
        """Wait until a query returns a row whose first value is true."""
        deadline = time.monotonic() + seconds
        while not ((rows := self._database.ask(self._url, statement)) and rows[0][0]):
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"no row came of {statement!r}; the workers say:\n{self._running.said()}")
            time.sleep(pause)

    def wait_until_started(self) -> None:
        count = len(self.pids)
        self.wait_for(f"SELECT count(*) = {count} FROM sqlqueue_workers WHERE stopped_at IS NULL", START_WITHIN)

    def wait_until_drained(self, last_id: str, count: int, seconds: float) -> None:
        """Wait for the last job, which costs the database nothing, then for those it overtook."""
        self.wait_for(f"SELECT 1 FROM sqlqueue_results WHERE id = '{last_id}'", seconds, 0.2)
        self.wait_for(f"SELECT count(*) >= {count} FROM sqlqueue_results WHERE queue <> '{HISTORY}'", LAST_ONES, 0.2)


@contextlib.contextmanager
def workers(
    database: Database,
    url: str,
    pool: str,
    count: int = 1,
    *,
    concurrency: int | None = None,
    queues: Sequence[str] = (QUEUE,),
) -> Iterator[Crew]:
    """Run workers for the length of the block; they must stop in good order."""
    options = ["--queue", ",".join(queues), "--pool", pool]
    slots = concurrency or CONCURRENCY.get(pool)
    options += ["--concurrency", str(slots)] if slots else []
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {"SQLQUEUE_BROKER_URL": url, "PYTHONPATH": path}
    with running_workers("benchmarks.tasks", options, environment, count=count, folder=ROOT) as running:
        crew = Crew(database, url, running)
        yield crew
        crew.wait_until_started()  # one may have drained everything before the others had come

"""Real workers, started as a user types it: `sqlqueue -A benchmarks.tasks worker --queue bench --pool threads`."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

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
STOP_WITHIN = 30.0  # seconds after SIGTERM
LAST_ONES = 60.0  # seconds from the last job's result until those it overtook have theirs


class Crew:
    """Some workers of one database."""

    def __init__(
        self, database: Database, url: str, processes: list[subprocess.Popen[bytes]], log: pathlib.Path
    ) -> None:
        self.pids = [process.pid for process in processes]
        self._database = database
        self._url = url
        self._processes = processes
        self._log = log

    def wait_for(self, statement: str, seconds: float, pause: float = 0.05) -> None:
        """Wait until a query returns a row whose first value is true."""
        deadline = time.monotonic() + seconds
        while not ((rows := self._database.ask(self._url, statement)) and rows[0][0]):
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"no row came of {statement!r}; the workers say:\n{self._log.read_text()}")
            time.sleep(pause)

    def check(self) -> None:
        """Raise what the workers said when one of them has ended."""
        if any(process.poll() is not None for process in self._processes):
            raise RuntimeError(f"a worker has ended and says:\n{self._log.read_text()}")

    def wait_until_started(self) -> None:
        count = len(self._processes)
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
    with tempfile.TemporaryDirectory(prefix="sqlqueue-bench-log-") as folder:
        log = pathlib.Path(folder) / "log"
        with log.open("ab") as file:
            processes = [
                subprocess.Popen(_command(options, number), env=_environment(url), cwd=ROOT, stderr=file, stdout=file)
                for number in range(count)
            ]
        try:
            yield Crew(database, url, processes, log)
            for process in processes:
                process.terminate()
            for process in processes:
                assert process.wait(STOP_WITHIN) == 0, f"a worker failed:\n{log.read_text()}"
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _command(options: list[str], number: int) -> list[str]:
    installed = shutil.which("sqlqueue", path=str(pathlib.Path(sys.executable).parent))
    program = [installed] if installed else [sys.executable, "-m", "sqlqueue"]
    return [*program, "-A", "benchmarks.tasks", "worker", *options, "--hostname", f"bench{number}@%h"]


def _environment(url: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "SQLQUEUE_BROKER_URL": url, "PYTHONPATH": path}

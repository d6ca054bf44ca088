"""A prefork pool to look at, in a process of its own: the fork server must come before any thread.

`alone` runs a test in a fresh interpreter, so a test reads like any other although pytest's process never forks.
"""

import functools
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlqueue.domain.job import Job
from sqlqueue.domain.limits import UNLIMITED, Limits
from sqlqueue.domain.outcome import Succeeded
from sqlqueue.errors import Retry
from sqlqueue.tasks.options import TaskSettings
from sqlqueue.tasks.registry import Registry
from sqlqueue.tasks.task import Task
from sqlqueue.worker.execute import Executor
from sqlqueue.worker.limits import LimitBook
from sqlqueue.worker.pools.prefork import PreforkPool
from sqlqueue.worker.pools.prefork_child import Work
from sqlqueue.worker.pools.prefork_memory import Board
from sqlqueue.worker.pools.prefork_server import ForkServer
from sqlqueue.worker.pools.prefork_spawn import Spawn, invitation
from tests.support.claimed import claimed

ROOT = pathlib.Path(__file__).parents[2]
SOON = 20.0
"""Seconds after which a moment is not waited for any longer."""


def alone(test: Callable):
    """Run the test in a process of its own, in a process group of its own."""

    @functools.wraps(test)
    def run(tmp_path: pathlib.Path):
        file, name = test.__code__.co_filename, test.__name__
        code = f"import runpy; runpy.run_path({file!r})[{name!r}].here({str(tmp_path)!r})"
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], cwd=ROOT, timeout=60, check=False, capture_output=True,
            text=True, start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.returncode == 0, process.stdout + process.stderr

    del run.__wrapped__  # or pytest reads the test's own signature
    run.here = lambda folder: test(pathlib.Path(folder))  # type: ignore[attr-defined]
    return run


def eventually(what: Callable[[], object], seconds: float = SOON):
    """Wait until ``what()`` is true and return it."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.002)
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> list[int]:
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


# --- tasks ---


def add(a, b):
    return a + b


def fail(message):
    raise ValueError(message)


def again(delay):
    raise Retry(when=delay)


def note(path, text, status=None):
    """Append a line to a file and, with a status, die of it."""
    with pathlib.Path(path).open("a") as file:
        file.write(f"{text}\n")
    if status is not None:
        os._exit(status)


def hold(name):
    """Say who I am in the file ``name``, then wait for the file ``name.go``."""
    path = pathlib.Path(name)
    path.with_suffix(".tmp").write_text(str(os.getpid()))
    path.with_suffix(".tmp").rename(path)
    while not path.with_suffix(".go").exists():
        threading.Event().wait(0.002)
    return "held"


def maybe_hold(name):
    return hold(name) if name else None


def spin(name):
    """Say who I am, then be deaf for ever."""
    path = pathlib.Path(name)
    path.with_suffix(".tmp").write_text(str(os.getpid()))
    path.with_suffix(".tmp").rename(path)
    while True:
        pass


def nap(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def whoami():
    return os.getpid()


def mark(word=None):
    """Return what was marked in this process so far."""
    MARKS.extend([word] if word else [])
    return MARKS


MARKS: list[str] = []


def start_a_program(name):
    """Start a program, tell its pid, return how it ended."""
    process = subprocess.Popen(["sleep", "60"])
    pathlib.Path(name).with_suffix(".tmp").write_text(str(process.pid))
    pathlib.Path(name).with_suffix(".tmp").rename(name)
    return process.wait()


def fork_and_return():
    """Fork, and come back from the task twice."""
    return os.fork()


def read_stdin():
    return os.read(0, 10).decode()


TASKS = (
    add,
    nap,
    fail,
    again,
    note,
    hold,
    maybe_hold,
    spin,
    whoami,
    mark,
    start_a_program,
    fork_and_return,
    read_stdin,
)


def executor() -> Executor:
    registry = Registry()
    for function in TASKS:
        registry.add(Task(function, function.__name__, TaskSettings(), lambda: None))  # type: ignore[arg-type,return-value]
    return Executor(registry, "test")


# --- the stage ---


class Audience:
    """A pool and all that it reports."""

    def __init__(self) -> None:
        self.reported: list[tuple[Job, object]] = []
        self.said = threading.Condition()
        self.seq = 0
        self.pool: Any = None

    def _report(self, done):
        with self.said:
            self.reported += done
            self.said.notify_all()

    def job(self, task: Callable, *args) -> Job:
        self.seq += 1
        text = json.dumps([str(arg) if isinstance(arg, pathlib.Path) else arg for arg in args])
        return claimed(id=str(self.seq), seq=self.seq, queue="default", task=task.__name__, args=text)

    def submit(self, task: Callable, *args) -> Job:
        job = self.job(task, *args)
        self.pool.submit([job])
        return job

    def wait(self, count: int) -> dict[str, object]:
        """Wait until so many jobs were reported, each once; return the outcomes by id."""
        with self.said:
            assert self.said.wait_for(lambda: len(self.reported) >= count, SOON), f"{len(self.reported)} of {count}"
        return self.outcomes()

    def outcomes(self) -> dict[str, object]:
        found = {job.id: outcome for job, outcome in self.reported}
        assert len(found) == len(self.reported), "a job was reported twice"
        return found

    def end(self) -> None:
        self.pool.stop()
        assert self.pool.join(SOON)
        assert self.pool.load == 0


CHILD = "from tests.services.prefork_stage import be_child; be_child()"


def be_child() -> None:
    """What a spawned child does, instead of the worker's command line."""
    invited = invitation()
    assert invited is not None
    assert invitation() is None, "what it starts itself is no child"
    invited.accept(executor, None, None)


class Stage(Audience):
    """A running prefork pool."""

    def __init__(
        self, seats: int = 2, max_tasks: int | None = None, make_executor: Callable[[], Executor] = executor,
        max_memory: int | None = None, limits: Limits = UNLIMITED, most: int | None = None, spawn: bool = False,
    ):  # fmt: skip
        super().__init__()
        work = Work(make_executor, Board(most or seats), max_tasks, max_memory)
        program = [sys.executable, "-W", "error", "-c", CHILD]
        self.server = ForkServer(Spawn(program, most or seats) if spawn else work)
        self.server.start(lambda: None)
        self.pool = PreforkPool(seats, self._report, self.server, LimitBook(Registry(), limits))
        self.pool.start()


def value(outcome: object) -> Any:
    assert isinstance(outcome, Succeeded), outcome
    return json.loads(outcome.result or "null")


def pid_in(path: pathlib.Path) -> int:
    """Wait for the file and read the pid in it."""
    eventually(path.exists)
    return int(path.read_text())


def go(path: pathlib.Path) -> None:
    path.with_suffix(".go").touch()

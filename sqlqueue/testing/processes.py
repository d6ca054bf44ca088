"""Workers as a user starts them, for measurements: `sqlqueue -A APP worker ...` in processes of their own.

And what processes use, as Linux tells it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

STOP_WITHIN = 30.0
"""Seconds after SIGTERM."""


class Workers:
    """Some running workers, and the log that they write."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]], log: Path) -> None:
        self.pids = [process.pid for process in processes]
        self._processes = processes
        self._log = log

    def check(self) -> None:
        """Raise what the workers said when one of them has ended."""
        if any(process.poll() is not None for process in self._processes):
            raise RuntimeError(f"a worker has ended and says:\n{self.said()}")

    def said(self) -> str:
        """Return the log."""
        return self._log.read_text(errors="replace")


@contextlib.contextmanager
def running_workers(
    app: str, options: Sequence[str], environment: Mapping[str, str], *, count: int = 1, folder: Path | None = None
) -> Iterator[Workers]:
    """Run workers for the length of the block; they must stop in good order.

    Parameters
    ----------
    app: module that holds the app.
    options: of ``sqlqueue worker``; each worker has a name of its own besides.
    environment: variables besides this process's own.
    folder: where they start.
    """
    with tempfile.TemporaryDirectory(prefix="sqlqueue-bench-log-") as logs:
        log = Path(logs) / "log"
        with log.open("ab") as file:
            processes = [
                subprocess.Popen(
                    [*_program(), "-A", app, "worker", *options, "--hostname", f"bench{number}@%h"],
                    env={**os.environ, **environment},
                    cwd=folder,
                    stdout=file,
                    stderr=file,
                )
                for number in range(count)
            ]
        try:
            yield Workers(processes, log)
            for process in processes:
                process.terminate()
            for process in processes:
                if process.wait(STOP_WITHIN):
                    raise RuntimeError(f"a worker failed:\n{log.read_text()}")
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _program() -> list[str]:
    installed = shutil.which("sqlqueue", path=str(Path(sys.executable).parent))
    return [installed] if installed else [sys.executable, "-m", "sqlqueue"]


def processor_seconds(pids: Sequence[int]) -> float:
    """Return the processor time that processes and their descendants have used."""
    return sum(_thread(thread) for pid in family(pids) for thread in Path(f"/proc/{pid}/task").iterdir())


def _thread(folder: Path) -> float:
    """Return seconds, by the nanosecond where the kernel tells."""
    schedstat = folder / "schedstat"
    if schedstat.exists():
        return int(schedstat.read_text().split()[0]) / 1e9
    spent = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def memory(pids: Sequence[int]) -> float:
    """Return the megabytes of processes and their descendants, what is shared counted in parts."""
    return sum(_memory(pid) for pid in family(pids))


def _memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def family(pids: Sequence[int]) -> list[int]:
    """Return the processes and all their descendants."""
    found = list(pids)
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found

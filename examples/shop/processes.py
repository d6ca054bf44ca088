"""Starts the `sqlqueue` command as a user would, in processes of their own, and ends them."""

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HERE = pathlib.Path(__file__).parent


def sqlqueue(*arguments: str) -> list[str]:
    """The command line: the script beside this Python, else the module."""
    script = pathlib.Path(sys.executable).parent / "sqlqueue"
    return [*([str(script)] if script.exists() else [sys.executable, "-m", "sqlqueue"]), *arguments]


def migrate() -> str:
    """Run `sqlqueue migrate`; its last line."""
    done = subprocess.run(sqlqueue("migrate"), cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"sqlqueue migrate failed: {done.stderr.strip()}")
    return done.stdout.strip().splitlines()[-1]


@contextmanager
def worker(*arguments: str, log: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `sqlqueue worker` in the shop's folder; what it says goes to ``log``."""
    with log.open("wb") as file:
        process = subprocess.Popen(sqlqueue("worker", *arguments), cwd=HERE, stdout=file, stderr=file)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def stop(process: subprocess.Popen[bytes], patience: float) -> int:
    """Ask a worker to finish what it runs and to end; its exit code."""
    os.kill(process.pid, signal.SIGTERM)
    return process.wait(patience)

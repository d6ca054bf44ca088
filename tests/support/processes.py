"""Real workers in real processes, and the moments a test can wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

PATIENCE = 30.0
"""Seconds after which a test gives up on a moment; generous, since nothing is measured with it."""


def wait_until(what: str, condition, patience: float = PATIENCE):
    """Wait for ``condition()`` to be true and return what it returned."""
    pause = threading.Event()
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        pause.wait(0.01)
    raise AssertionError(f"waited {patience:g} s in vain for {what}")


class Command:
    """One run of ``sqlqueue ...``, or of another module, in a folder of its own; its output is kept in a file."""

    def __init__(self, folder: Path, *arguments: str, module: str = "sqlqueue", **environment: str) -> None:
        number = len(list(folder.glob("run-*.log")))
        self.log = folder / f"run-{number}.log"
        self.signals = folder / f"run-{number}.signals"
        self.signals.mkdir()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}
        env |= {"SQLQUEUE_TEST_SIGNALS": str(self.signals), **environment}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> None:
        """Wait until the output holds ``words``; fails at once when the process ends without them."""

        def seen() -> bool:
            ended = self.process.poll() is not None
            if words in self.output:
                return True
            assert not ended, f"ended with {self.process.returncode} before {words!r}:\n{self.output}"
            return False

        wait_until(f"{words!r} in:\n{self.output}", seen)

    def wait_ready(self) -> Command:
        self.wait_for("is ready")
        return self

    def hold(self, moment: str) -> None:
        """Make the process wait when it reaches ``moment``."""
        (self.signals / f"{moment}.hold").touch()

    def release(self, moment: str) -> None:
        (self.signals / f"{moment}.hold").unlink()

    def reached(self, moment: str) -> None:
        """Wait until the process has reached ``moment``."""
        wait_until(f"the moment {moment!r}", (self.signals / moment).exists)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def finish(self) -> int:
        """Ask the process to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def end(self) -> int:
        """Wait for the process to end by itself and return its exit code."""
        return self.process.wait(PATIENCE)

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.kill()

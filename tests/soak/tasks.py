"""The tasks of the soak; each leaves a line in a file of its process before it does anything else."""

import os
import threading
from pathlib import Path

from sqlqueue import SQLQueue

app = SQLQueue("tasks", task_max_crashes=1000)

MANY = 1000


def note(id_: str) -> None:
    """Note an execution; one write to the end of a file is whole even if the process dies right after."""
    line = f"{id_}\n".encode()
    file = os.open(Path(os.environ["SOAK_FOLDER"], f"effects-{os.getpid()}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, line)
    os.close(file)


@app.task(bind=True)
def plain(self, number: int, seconds: float) -> int:
    note(self.request.id)
    threading.Event().wait(seconds)
    return number


@app.task(bind=True, acks_late=False)
def once(self, number: int, seconds: float) -> int:
    note(self.request.id)
    threading.Event().wait(seconds)
    return number


@app.task(bind=True, max_retries=MANY)
def retried(self, number: int, failures: int) -> int:
    note(self.request.id)
    if self.request.retries < failures:
        raise self.retry(countdown=0.05, exc=ValueError("not yet"))
    return number


@app.task(bind=True)
def total(self, numbers: list[int]) -> int:
    note(self.request.id)
    return sum(numbers)

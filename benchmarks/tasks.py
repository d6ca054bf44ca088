"""The app that is measured: shipped defaults, tasks that do nothing but answer."""

import datetime as dt
import time

from sqlqueue import SQLQueue, Task

QUEUE = "bench"
HISTORY = "history"  # the queue of results that stand in the tables before the measurement

app = SQLQueue("benchmarks.tasks", task_default_queue=QUEUE)


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def stamp() -> int:
    return time.monotonic_ns()  # one clock for all processes of a machine


@app.task
def stamp_wall() -> int:
    return time.time_ns()  # the clock in which an eta is given


@app.task(bind=True)
def stamp_second_try(self: Task[..., int, int], due: float) -> int:
    """Ask for another try at `due` (seconds since the epoch), and say when that began."""
    if self.request.retries == 0:
        self.retry(eta=dt.datetime.fromtimestamp(due, dt.UTC))
    return time.time_ns()

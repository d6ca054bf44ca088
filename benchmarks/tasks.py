"""The app that is measured: shipped defaults, tasks that do nothing but answer."""

import time

from sqlqueue import SQLQueue

QUEUE = "bench"

app = SQLQueue("benchmarks.tasks", task_default_queue=QUEUE)


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def stamp() -> int:
    return time.monotonic_ns()  # one clock for all processes of a machine

"""The tasks of the tests of limits across workers; written over ``tasks.py`` in their folder."""

import os
import threading
import time
from pathlib import Path

from sqlqueue import SQLQueue

app = SQLQueue("tasks")


def noted(folder: str, name: str, seconds: float) -> int:
    """Leave a line when it starts and one when it ends, in a file of this run's own."""
    with Path(folder, f"{name}-{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}").open("w") as file:
        file.write(f"{time.monotonic()}\n")
        file.flush()
        threading.Event().wait(seconds)
        file.write(f"{time.monotonic()}\n")
    return os.getpid()


@app.task(queue="testq", concurrency_limit=2)
def narrow(folder: str, seconds: float = 0.05) -> int:
    return noted(folder, "narrow", seconds)


@app.task(queue="testq", concurrency_key=lambda customer, *_: f"customer-{customer}")
def for_customer(customer: str, folder: str, seconds: float = 0.05) -> int:
    return noted(folder, customer, seconds)


@app.task(queue="testq", fleet_rate_limit="5/s")
def seldom(folder: str) -> int:
    return noted(folder, "seldom", 0.0)


@app.task(queue="testq")
def wide(folder: str, seconds: float = 0.05) -> int:
    return noted(folder, "wide", seconds)


@app.task(queue="testq")
def add(x: int, y: int) -> int:
    return x + y

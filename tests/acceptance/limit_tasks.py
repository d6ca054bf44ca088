"""The tasks of the tests of limits; written over ``tasks.py`` in their folder."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from pathlib import Path

from sqlqueue import SoftTimeLimitExceeded, SQLQueue

app = SQLQueue("tasks")
FOREVER = 300.0


def started(folder: str) -> None:
    with Path(folder, "starts").open("a") as file:
        file.write("x")


def work_for_ever() -> None:
    while True:
        threading.Event().wait(0.005)


@app.task(queue="testq")
def add(x: int, y: int) -> int:
    return x + y


@app.task(queue="testq", soft_time_limit=0.3)
def tidy() -> str:
    try:
        work_for_ever()
    except SoftTimeLimitExceeded:
        return "tidied"
    return "never"


@app.task(queue="testq", soft_time_limit=0.3)
async def atidy() -> str:
    try:
        await asyncio.sleep(FOREVER)
    except SoftTimeLimitExceeded:
        await asyncio.sleep(0.01)
        return "tidied"
    return "never"


@app.task(queue="testq")
def endless(folder: str) -> None:
    started(folder)
    work_for_ever()


@app.task(queue="testq")
async def aendless(folder: str) -> None:
    started(folder)
    await asyncio.sleep(FOREVER)


@app.task(queue="testq", time_limit=0.5, soft_time_limit=0.2)
def stubborn(folder: str) -> None:
    """Catch the warning and go on; in a child of its own, also be deaf to every signal that can be blocked."""
    started(folder)
    if threading.current_thread() is threading.main_thread():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        with contextlib.suppress(SoftTimeLimitExceeded):
            work_for_ever()


@app.task(queue="testq")
def whoami() -> int:
    return os.getpid()


@app.task(queue="testq")
def grow(mebibytes: int) -> int:
    return len(bytearray(mebibytes << 20)) and os.getpid()


@app.task(queue="testq", rate_limit="5/s")
def paced(folder: str) -> None:
    with Path(folder, "paced").open("a") as file:
        file.write(f"{time.monotonic()}\n")


@app.task(queue="testq", rate_limit="1/m")
def seldom(folder: str) -> None:
    started(folder)

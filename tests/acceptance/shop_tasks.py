"""The tasks of the acceptance tests; copied into each test's folder as ``tasks.py``."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine

from sqlqueue import SQLQueue
from sqlqueue.store.urls import parse_url

app = SQLQueue("tasks")


@app.task(queue="testq")
def add(x: int, y: int) -> int:
    return x + y


@app.task(queue="testq")
def hold(folder: str) -> int:
    """Say which process runs this, and wait until the test says go."""
    Path(folder, f"held-by-{os.getpid()}").touch()
    while not Path(folder, "go").exists():
        threading.Event().wait(0.01)
    return os.getpid()


@app.task(queue="testq", bind=True)
def half_done(self, folder: str) -> int:
    self.progress(1, 2, message="half")
    return hold(folder)


@app.task(queue="testq", acks_late=False)
def hold_once(folder: str) -> int:
    return hold(folder)


@app.task(queue="testq")
def fail(message: str) -> None:
    raise ValueError(message)


@app.task(queue="testq", bind=True, max_retries=3)
def flaky(self, failures: int) -> int:
    if self.request.retries < failures:
        self.retry(countdown=0.05, exc=ValueError("not yet"))
    return self.request.retries


@app.task(queue="testq", autoretry_for=(KeyError,), retry_backoff=True, retry_backoff_max=0.1, max_retries=2)
def always_fails() -> None:
    raise KeyError("gone")


@app.task(queue="testq")
async def double(x: int) -> int:
    return 2 * x


@app.task(queue="testq")
def unstorable() -> object:
    return 1j


@app.task(queue="testq")
def clock() -> float:
    """Tell the time of day as this process sees it."""
    return datetime.now(UTC).timestamp()  # noqa: TID251


@app.task(queue="testq")
def leave() -> None:
    raise SystemExit(3)


@app.task(queue="testq")
def crash() -> None:
    os._exit(7)


@app.task(queue="testq")
def brief(x: int) -> int:
    """Take two milliseconds, so that a test can come in the middle of very many."""
    threading.Event().wait(0.002)
    return x


@app.task(queue="testq")
def hold_for(folder: str) -> int:
    hold(folder)
    return 7


@app.task(queue="testq")
def tally(numbers: list[int], folder: str) -> int:
    """Add up, and leave a trace of having done so."""
    with Path(folder, "bodies").open("a") as bodies:
        bodies.write(f"{len(numbers)}\n")
    return sum(numbers)


@app.task(queue="testq", bind=True, transactional=True)
def effect(self, what: str) -> int:
    """Write one row, in the transaction that makes this job a success."""
    Path(f"effect-by-{os.getpid()}").touch()
    self.connection.execute(f"INSERT INTO effects VALUES ('{what}', {os.getpid()})")
    return os.getpid()


@app.task(queue="testq")
def separate_effect(what: str, folder: str) -> int:
    """Write the same in a transaction of its own, before its job is settled."""
    engine = create_engine(parse_url(app.conf.broker_url))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO effects VALUES ('{what}', {os.getpid()})")
    engine.dispose()
    return hold(folder)

"""`make soak`: a fleet works while it is being killed; an outside ledger says whether anything was lost or doubled.

Exit code 0: zero lost, zero accepted twice. The seed is printed; the same one sends the same jobs and deals the same
blows, in the same order, though not at the same moments.
"""

import argparse
import importlib.util
import itertools
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import create_engine

from sqlqueue import chord
from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.migrate import upgrade
from sqlqueue.store.urls import parse_url
from sqlqueue.testing.server import PostgresServer
from tests.soak.storm import Fleet
from tests.soak.verdict import Result, Sent, Verdict, histogram, judge
from tests.support.runners import onlooker

QUEUE = "soak"

PACE = 0.03
"""Seconds between two sends, at most."""

CALM = 2.5
"""Seconds between two blows, at most."""

PATIENCE = 60.0
"""Seconds that the fleet is given to finish when the storm is over."""


class Sender:
    """Sends jobs and writes down what it sent: before the send what it means to, which is sent until it is heard."""

    def __init__(self, tasks: ModuleType, chance: random.Random) -> None:
        self._tasks = tasks
        self._chance = chance
        self._engine = create_engine(tasks.app.broker)
        self._numbers = itertools.count()
        self.sent: list[Sent] = []

    def send(self) -> None:
        """Send one job, or a chord."""
        kinds = ["plain"] * 6 + ["once", "retried", "retried", "revoked", "rolled_back", "chord"]
        getattr(self, f"_{self._chance.choice(kinds)}")()

    def _named(self, kind: str, value: int | None = None) -> Sent:
        number = next(self._numbers)
        job = Sent(f"{kind}-{number:06}", kind, number if value is None else value)
        self.sent.append(job)
        return job

    def _plain(self) -> None:
        job = self._named("plain")
        call = self._tasks.plain.s(job.value, self._chance.choice([0.0, 0.01, 0.2])).set(task_id=job.id, queue=QUEUE)
        until_heard(call.apply_async)

    def _once(self) -> None:
        job = self._named("once")
        until_heard(self._tasks.once.s(job.value, 0.05).set(task_id=job.id, queue=QUEUE).apply_async)

    def _retried(self) -> None:
        job = self._named("retried")
        call = self._tasks.retried.s(job.value, self._chance.randint(0, 3)).set(task_id=job.id, queue=QUEUE)
        until_heard(call.apply_async)

    def _revoked(self) -> None:
        job = self._named("revoked")
        call = self._tasks.plain.s(job.value, 0.1).set(task_id=job.id, queue=QUEUE)
        until_heard(call.apply_async)
        until_heard(lambda: self._tasks.app.AsyncResult(job.id).revoke())

    def _rolled_back(self) -> None:
        job = self._named("rolled-back")

        def vanish() -> None:
            with self._engine.connect() as connection, connection.begin() as transaction:
                self._tasks.plain.apply_async((job.value, 0.0), task_id=job.id, queue=QUEUE, session=connection)
                transaction.rollback()

        until_heard(vanish)

    def _chord(self) -> None:
        header = [self._named("plain") for _ in range(3)]
        body = self._named("total", sum(job.value for job in header))
        calls = [self._tasks.plain.s(job.value, 0.02).set(task_id=job.id, queue=QUEUE) for job in header]
        until_heard(lambda: chord(calls, self._tasks.total.s().set(task_id=body.id, queue=QUEUE)).apply_async())

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def until_heard(send: Callable[[], Any]) -> None:
    """Send until an answer comes: the ids are given, so that what was heard twice is one job."""
    pause = threading.Event()
    while True:
        try:
            send()
        except Exception as error:
            if not is_lost(error):
                raise
            pause.wait(0.1)
        else:
            return


def is_lost(error: BaseException) -> bool:
    """Tell whether the database was away."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, StoreUnavailable) or bool(names & {"OperationalError", "InterfaceError"})


def soak(url: str, server: PostgresServer | None, seconds: float, seed: int) -> bool:
    """Soak one database; print what came of it and return whether all was well."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    (folder / "tasks.py").write_text((Path(__file__).parent / "tasks.py").read_text())
    os.environ |= {"SQLQUEUE_BROKER_URL": url, "SOAK_FOLDER": str(folder)}
    tasks = imported(folder)
    sender, fleet = Sender(tasks, random.Random(seed)), Fleet(folder, url, server)
    over = threading.Event()
    thread = threading.Thread(target=send_until, args=(sender, over, random.Random(seed + 1)))
    thread.start()
    weather, until = random.Random(seed + 2), time.monotonic() + seconds
    while time.monotonic() < until and thread.is_alive():
        threading.Event().wait(min(weather.uniform(0, CALM), max(until - time.monotonic(), 0)))
        fleet.blow(weather)
    over.set()
    thread.join()
    verdict, waited = settle_down(url, fleet, sender, folder)
    codes = fleet.end()
    sender.close()
    tasks.app.close()
    report(url, fleet, sender, verdict, waited)
    if any(codes):
        print(f"workers ended with {codes}")
    if not verdict.complaints and not any(codes):
        shutil.rmtree(folder)
        return True
    print(f"what the workers said is in {folder}")
    return False


def send_until(sender: Sender, over: threading.Event, chance: random.Random) -> None:
    """Send at a changing pace."""
    while not over.wait(chance.uniform(0, PACE)):
        sender.send()


def settle_down(url: str, fleet: Fleet, sender: Sender, folder: Path) -> tuple[Verdict, float]:
    """Let the fleet finish, and judge."""
    started = time.monotonic()
    looker = onlooker(url)
    while time.monotonic() - started < PATIENCE:
        fleet.make_whole()
        unfinished = [row["id"] for row in looker.execute("SELECT id FROM sqlqueue_jobs").fetchall()]
        if not unfinished:
            break
        threading.Event().wait(0.2)
    rows = looker.execute("SELECT id, state, CAST(result AS text) AS result, error FROM sqlqueue_results").fetchall()
    looker.close()
    effects = [line for file in folder.glob("effects-*") for line in file.read_text().split()]
    results = [Result(row["id"], row["state"], row["result"], row["error"]) for row in rows]
    return judge(sender.sent, effects, results, unfinished), time.monotonic() - started


def report(url: str, fleet: Fleet, sender: Sender, verdict: Verdict, waited: float) -> None:
    """Print what was done and what came of it."""
    kinds = ", ".join(
        f"{sum(job.kind == kind for job in sender.sent)} {kind}" for kind in sorted({j.kind for j in sender.sent})
    )
    blows = ", ".join(f"{count} {kind}" for kind, count in sorted(fleet.blows.items()))
    print(f"\n{parse_url(url).get_backend_name()}: {len(sender.sent)} jobs ({kinds})")
    print(f"blows: {blows}; all was done {waited:.1f} s after the last")
    print(f"executions of each job that was not rolled back:\n{histogram(verdict.executions)}")
    for complaint in verdict.complaints[:20]:
        print(f"WRONG: {complaint}")
    print(
        f"{len(verdict.complaints)} complaints: "
        + ("FAILED" if verdict.complaints else "none lost, none accepted twice")
    )


def imported(folder: Path) -> ModuleType:
    """Import the tasks as the workers do."""
    spec = importlib.util.spec_from_file_location("tasks", folder / "tasks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tasks"] = module
    spec.loader.exec_module(module)
    return module


def on_postgres(seconds: float, seed: int) -> bool:
    """Soak a durable server of its own, which is crashed too."""
    settings = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    with PostgresServer(settings=settings) as server:
        server.create_database("soak")
        upgrade(server.dsn("soak"))
        return soak(server.dsn("soak"), server, seconds, seed)


def on_sqlite(seconds: float, seed: int) -> bool:
    """Soak a file."""
    with tempfile.TemporaryDirectory(prefix="soak-db-") as folder:
        return soak(f"sqlite:///{folder}/jobs.db", None, seconds, seed)


def main() -> int:
    """Read the words, soak, return the exit code."""
    words = argparse.ArgumentParser(prog="make soak", description="Work while being killed, and lose nothing.")
    words.add_argument("--seconds", type=float, default=600.0, help="in all, shared by the databases; default 600")
    words.add_argument(
        "--seed", type=int, default=uuid.uuid4().int % 1_000_000, help="of what is sent and what is killed"
    )
    words.add_argument("--db", choices=["both", "postgres", "sqlite"], default="both")
    asked = words.parse_args()
    print(f"seed {asked.seed}: repeat with --seed {asked.seed}", flush=True)
    runs = {"postgres": [on_postgres], "sqlite": [on_sqlite], "both": [on_postgres, on_sqlite]}[asked.db]
    went_well = [run(asked.seconds / len(runs), asked.seed) for run in runs]
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    raise SystemExit(main())

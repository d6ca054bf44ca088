"""The queries of docs/inspection.md, as they stand there, on jobs that were really sent, run and settled."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sqlqueue import SQLQueue, chain
from sqlqueue.domain.outcome import Crashed
from sqlqueue.domain.settlement import decide
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.revoke import revoke
from sqlqueue.worker.options import WorkerOptions
from sqlqueue.worker.pools.make import PoolSource
from sqlqueue.worker.shutdown import Shutdown
from sqlqueue.worker.worker import Worker
from tests.support import pages
from tests.support.jobs import HIGHEST, LOWEST, OTHER, lane, send, sign_on, take
from tests.support.processes import wait_until
from tests.support.runners import onlooker

DATABASES = ("sqlite", "postgresql")
QUESTIONS = pages.sections(pages.page("docs/inspection.md"))


def query(question: str, database: str) -> str:
    (sql,) = [b.text for b in pages.blocks(QUESTIONS[question], "sql") if b.words in ("", database)]
    return sql


class Shop:
    """An app, a worker in this process that serves ``testq``, and one job in every state."""

    def __init__(self, url: str) -> None:
        self.app = SQLQueue("shop", broker=url, task_default_queue="testq")
        self.go = threading.Event()
        self._onlooker = onlooker(url)
        self._define()
        options = WorkerOptions(queues=("testq",), name="test-worker1", pool="threads", concurrency=2)
        self._worker = Worker(self.app, options, PoolSource(options, self.app.tasks))
        self._thread = threading.Thread(target=self._worker.run)
        self._thread.start()

    def _define(self) -> None:
        @self.app.task(name="bill")
        def bill(order: int) -> int:
            return order * 10

        @self.app.task(name="charge")
        def charge(order: int) -> None:
            raise ValueError(f"no money for order {order}")

        @self.app.task(name="fetch", autoretry_for=(OSError,), default_retry_delay=3600)
        def fetch(order: int) -> None:
            raise ConnectionError("bank closed")

        @self.app.task(name="hold")
        def hold(order: int) -> None:
            self.go.wait(60)

        self.bill, self.charge, self.fetch, self.hold = bill, charge, fetch, hold

    def live(self) -> None:
        """Send jobs and wait until each is where it is wanted."""
        over: list[Any] = [self.bill.delay(order) for order in (1, 2, 3)]
        over += [self.charge.delay(order) for order in (1, 2, 1)]
        for job in over:
            job.get(timeout=30, propagate=False)
        self.retried = self.fetch.delay(1)
        wait_until("the retry", lambda: self.retried.state == "RETRY")
        self.running = self.hold.delay(7)
        wait_until("the start", lambda: self.running.state == "STARTED")
        self.later = self.bill.apply_async((8,), countdown=3600)
        self.waiting = [self.bill.apply_async((order,), queue="idle") for order in (9, 10)]
        self.blocked = chain(self.hold.s(77).set(queue="idle", priority=-1), self.bill.si(77)).delay()
        self._crash()

    def _crash(self) -> None:
        """Let another worker claim a job and die under it."""
        self.crashed = self.bill.apply_async((11,), queue="deadly")
        store: Any = self.app.store  # runs verbs, as a Runner does
        sign_on(store, OTHER, name="test-worker2", queues=["deadly"])
        (job,) = take(store, OTHER, lanes=[lane("deadly", 0, LOWEST, HIGHEST)])
        send(store, job, decide(job, Crashed("killed by signal 9")), OTHER)

    def ask(self, question: str) -> list[dict[str, Any]]:
        cursor = self._onlooker.execute(query(question, DATABASES[self.app.store.dialect.many_writers]))
        return [dict(row) for row in cursor.fetchall()]

    def close(self) -> None:
        self.go.set()
        self._worker.stop(Shutdown.WARM)
        self._thread.join(30)
        self._onlooker.close()
        self.app.close()


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    shop = Shop(database_url)
    try:
        shop.live()
        yield shop
    finally:
        shop.close()


def test_every_question_has_one_query_for_each_database():
    for question, body in QUESTIONS.items():
        marks = sorted(block.words for block in pages.blocks(body, "sql"))
        assert marks in ([""], ["postgresql", "sqlite"]), question


def test_what_is_not_over(shop):
    waits = shop.ask("What waits in each queue, and for how long?")
    assert [(row["queue"], row["ready"]) for row in waits] == [("deadly", 1), ("idle", 3)]
    assert all(0 <= row["oldest_seconds"] < 60 for row in waits)
    (scheduled,) = shop.ask("What is scheduled, and for when?")
    assert (scheduled["id"], scheduled["queue"], scheduled["task"]) == (shop.later.id, "testq", "bill")
    assert timedelta(minutes=58) < moment(scheduled["run_at"]) - datetime.now(UTC) < timedelta(minutes=61)  # noqa: TID251
    (retried,) = shop.ask("What is being retried, and why?")
    assert (retried["id"], retried["retries"]) == (shop.retried.id, 1)
    assert retried["error"] == "ConnectionError: bank closed"
    (running,) = shop.ask("What runs where, and since when?")
    assert (running["id"], running["worker_name"], running["task"]) == (shop.running.id, "test-worker1", "hold")
    assert moment(running["claimed_at"]) <= datetime.now(UTC)  # noqa: TID251


def test_what_is_blocked(shop):
    (blocked,) = shop.ask("What is blocked, and on what?")
    assert (blocked["id"], blocked["blocked"]) == (shop.blocked.id, "bill")
    assert (blocked["waits_for"], blocked["state"], blocked["task"]) == (1, "ready", "hold")


def test_who_works(shop):
    one, two = shop.ask("Which workers live?")
    assert (one["name"], one["pool"], one["concurrency"]) == ("test-worker1", "threads", 2)
    assert two["name"] == "test-worker2"
    assert 0 <= one["seconds_since_beat"] < 30
    (killer,) = shop.ask("Which jobs killed their worker?")
    assert (killer["id"], killer["crashes"], killer["state"]) == (shop.crashed.id, 1, "ready")
    assert killer["error"] == "WorkerLost: killed by signal 9"


def test_what_went_before(shop):
    retried, crashed = shop.ask("What happened to the jobs that were retried?")
    assert (crashed["id"], crashed["attempt"], crashed["error"]) == (
        shop.crashed.id,
        1,
        "WorkerLost: killed by signal 9",
    )
    assert (retried["id"], retried["attempt"], retried["error"]) == (shop.retried.id, 1, "ConnectionError: bank closed")


def test_what_was_revoked(shop):
    shop.app.store.run(revoke, Which(ids=[shop.later.id, shop.running.id]))
    found = shop.ask("What was revoked, and what still runs although it was?")
    assert [(row["id"], row["state"]) for row in found] == [(shop.running.id, "running"), (shop.later.id, "revoked")]


def test_what_failed(shop):
    failed = shop.ask("What failed, and why?")
    assert {row["error"] for row in failed} == {
        "ValueError: no money for order 1",
        "ValueError: no money for order 2",
    }
    assert [moment(row["finished_at"]) for row in failed] == sorted(
        (moment(row["finished_at"]) for row in failed), reverse=True
    )
    counted = shop.ask("Which errors are the most frequent?")
    assert [(row["jobs"], row["task"], row["error"]) for row in counted] == [
        (2, "charge", "ValueError: no money for order 1"),
        (1, "charge", "ValueError: no money for order 2"),
    ]


def test_how_fast(shop):
    slowest = {row["task"]: row for row in shop.ask("Which tasks are the slowest?")}
    assert {task: row["jobs"] for task, row in slowest.items()} == {"bill": 3, "charge": 3}
    assert all(0 <= row["mean_seconds"] <= row["longest_seconds"] < 30 for row in slowest.values())
    minutes = shop.ask("How many jobs finish each minute?")
    assert sum(row["jobs"] for row in minutes) == 6
    assert sum(row["failed"] for row in minutes) == 3
    assert all(datetime.strptime(row["minute"], "%Y-%m-%d %H:%M") for row in minutes)  # noqa: DTZ007
    (waited,) = shop.ask("How long did jobs wait before they were taken?")
    assert (waited["queue"], waited["jobs"]) == ("testq", 6)
    assert 0 <= waited["mean_seconds"] <= waited["longest_seconds"] < 30


def test_what_became_of_an_order(shop):
    rows = shop.ask("What became of the jobs of order 1?")
    assert [(row["task"], row["state"]) for row in rows] == [
        ("bill", "succeeded"),
        ("charge", "failed"),
        ("charge", "failed"),
        ("fetch", "scheduled"),
    ]
    assert str(rows[0]["result"]) == "10"


def moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)

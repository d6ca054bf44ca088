"""Rules of docs/protocol.md whose tests stand elsewhere: here each is taken away once, and what it prevents happens."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest

from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.operation import Statement
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.rescue import rescue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from sqlqueue.worker import lanes as room
from sqlqueue.worker.held import Held
from sqlqueue.worker.lanes import Lanes
from tests.support.claimed import claimed
from tests.support.clock import FakeClock
from tests.support.jobs import ME, lane, new_job
from tests.support.runners import ROW
from tests.support.statistics import updates


def run(connection: psycopg.Connection, verb: Any, *args: Any, dialect: Postgres | None = None) -> Any:
    return drive(over_pyformat(connection, ROW), verb(dialect or Postgres(), *args))


# --- rule 1: a job that is held already is not started twice --------------------------------------------------------


def test_a_job_claimed_again_by_who_runs_it_is_not_started_again():
    held = Held()
    assert len(held.take([claimed(token=1)])) == 1
    assert held.take([claimed(token=2)]) == []
    assert held.tokens == {"a": 2}, "it is settled under the new claim"
    held.drop(["a"])
    assert len(held.take([claimed(token=2)])) == 1, "who does not hold it any more starts it"


# --- rule 4: nothing that a worker does waits for a row lock ---------------------------------------------------------

WAITING = {
    "claim": lambda job: (claim, ME, [lane()], 10),
    "finish": lambda job: (settle, ME, [Finish(job.id, State.SUCCEEDED)], {job.id: job.token}),
    "reschedule": lambda job: (settle, ME, [Reschedule(job.id, 0.0, 1, None)], {job.id: job.token}),
    "give_back": lambda job: (settle, ME, [GiveBack(job.id, started=False)], {job.id: job.token}),
    "rescue_back": lambda job: (rescue, ME, "died"),
}


def patient() -> Postgres:
    """Return the dialect with every statement waiting for locks."""
    dialect = Postgres()
    texts = dialect.sql._asdict()
    waiting = {name: Statement(one.sql.replace(" SKIP LOCKED", "")) for name, one in texts.items() if one}
    dialect.sql = dialect.sql._replace(**waiting)
    return dialect


@pytest.mark.parametrize("verb", WAITING)
@pytest.mark.parametrize("skips", [True, False])
def test_a_locked_row_is_passed_over_and_would_be_waited_for(postgres_url, verb, skips):
    with psycopg.connect(postgres_url) as worker, psycopg.connect(postgres_url) as user:
        run(worker, enqueue, [new_job()])
        worker.commit()
        job = claimed()
        if verb != "claim":
            (job,) = run(worker, claim, ME, [lane()], 1)
        worker.commit()
        user.execute("SELECT id FROM sqlqueue_jobs FOR UPDATE")
        worker.execute("SET lock_timeout = '100ms'")
        waited = None
        with suppress(psycopg.errors.LockNotAvailable):
            waited = run(worker, *WAITING[verb](job), dialect=Postgres() if skips else patient())
        assert (waited is None) is not skips
        user.rollback()


# --- rule 5: claims are HOT updates ---------------------------------------------------------------------------------

MUTABLE = {"state", "worker", "attempt", "claim_token", "claimed_at", "retries", "crashes", "error"}


def hot_share(url: str, jobs: int = 600) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        run(connection, enqueue, [new_job(args="[1,2]") for _ in range(jobs)])
        while held := run(connection, claim, ME, [lane()], 200):
            run(
                connection, settle, ME, [Finish(job.id, State.SUCCEEDED) for job in held], {j.id: j.token for j in held}
            )
    found = updates(url, jobs)
    assert found[0] == jobs
    return float(found[1] / found[0])


@pytest.mark.parametrize("column", [None, "state", "worker"])
def test_an_index_on_what_a_claim_changes_ends_hot_updates(postgres_url, column):
    if column is not None:
        with psycopg.connect(postgres_url) as connection:
            connection.execute(f"CREATE INDEX ON sqlqueue_jobs ({column})")
    share = hot_share(postgres_url)
    assert share >= 0.9 if column is None else share <= 0.1


def test_no_index_names_what_changes(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        indexes = connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'sqlqueue_jobs'").fetchall()
    words = {word for (text,) in indexes for word in text.replace("(", " ").replace(")", " ").replace(",", " ").split()}
    assert {"queue", "priority", "seq", "run_at"} <= words
    assert words.isdisjoint(MUTABLE)


# --- rule 8: a database that came back may be behind the cursors -----------------------------------------------------


@pytest.mark.parametrize("forgets", [True, False])
def test_after_a_reconnection_a_smaller_place_is_found(forgets):
    lanes = Lanes(["q"], FakeClock(), remember=True)
    lanes.reads(1, 1)
    lanes.claimed([claimed(seq=1000)], 1)
    if forgets:
        lanes.reset()
    lows = [read.low for read in lanes.reads(0, 1)]
    assert lows == ([0] if forgets else [1000]), "a job at 500 is seen, or not"


# --- rule 10: no lane starves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [room.TURN, 10**9])
def test_without_its_turn_a_lane_of_low_priority_is_never_first(monkeypatch, turn):
    monkeypatch.setattr(room, "TURN", turn)
    lanes = Lanes(["q"], FakeClock(), remember=True)
    lanes.add([("q", 5)])
    firsts = {lanes.reads(0, 1)[0].priority for _ in range(100)}
    assert firsts == ({5, 0} if turn == room.TURN and turn < 100 else {5})


# --- rule 22: a place is never drawn twice on SQLite -----------------------------------------------------------------


@pytest.mark.parametrize("counted", [True, False])
def test_a_place_is_never_drawn_twice(sqlite_url, counted):
    """A rowid, which it might have been, begins anew when the table is empty."""
    from tests.support.jobs import finish, put_many, take
    from tests.support.runners import Runner

    with closing(Runner("sqlite-link", sqlite_url)) as runner:
        what = "seq" if counted else "rowid"
        drawn = []
        for _ in range(2):
            (job_id,) = put_many(runner, 1)
            ((row,)) = runner.rows(f"SELECT {what} AS place FROM sqlqueue_jobs WHERE id = :id", id=job_id)
            drawn.append(row["place"])
            finish(runner, *take(runner))
        assert (drawn[0] < drawn[1]) is counted, json.dumps(drawn)

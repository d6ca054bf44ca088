"""revoke: what waits is over at once, what runs has no other try, whoever settles, returns or rescues it."""

import json
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from sqlqueue.domain.control import Message
from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.domain.which import EVERY, Which
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.notices import notices
from sqlqueue.store.ops.promote import promote
from sqlqueue.store.ops.rescue import rescue
from sqlqueue.store.ops.revoke import Running, revoke
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from tests.support.jobs import ME, OTHER, STRANGER, finish, lane, new_job, put, put_many, send, sign_on, take, take_one
from tests.support.processes import wait_until
from tests.support.runners import ROW

MOVES: dict[str, Callable[[Any], Any]] = {
    "retried at once": lambda job: Reschedule(job.id, 0.0, 1, "E: again", 0.5),
    "retried later": lambda job: Reschedule(job.id, 60.0, 1, "E: again"),
    "given back unstarted": lambda job: GiveBack(job.id, started=False),
    "given back after a crash": lambda job: GiveBack(job.id, started=True, crashes=1, error="WorkerLost: died"),
}


def by_id(*jobs):
    return Which(ids=[getattr(job, "id", job) for job in jobs])


def rows_left(runner):
    return runner.rows("SELECT * FROM sqlqueue_jobs")


@pytest.mark.parametrize("delay", [None, 60.0])
def test_a_waiting_job_is_over_at_once(runner, delay):
    job_id, other = put_many(runner, 2, delay=delay, args="[7]")
    revoked = runner.run(revoke, by_id(job_id), reason="not needed, it's :x %s")
    assert (revoked.ended, revoked.running, revoked.met) == ([job_id], [], 1)
    assert [row["id"] for row in rows_left(runner)] == [other]
    row = runner.result(job_id)
    assert (row["state"], row["error"], row["attempt"]) == ("revoked", "not needed, it's :x %s", 0)
    assert row["worker"] is None
    assert json.loads(row["args"]) if isinstance(row["args"], str) else row["args"] == [7]


def test_a_revoked_job_is_never_claimed_nor_promoted(runner):
    put_many(runner, 1)
    put_many(runner, 1, delay=0.001)
    runner.run(revoke, EVERY)
    assert runner.run(promote)[0] == []
    assert take(runner) == []


def test_a_running_job_is_marked_and_goes_on(runner):
    job = take_one(runner)
    revoked = runner.run(revoke, by_id(job))
    assert (revoked.ended, revoked.running) == ([], [Running(job.id, ME, job.token)])
    row = runner.job(job.id)
    assert (row["state"], bool(row["revoked"]), row["claim_token"]) == ("running", True, job.token)


def test_one_that_succeeds_all_the_same_is_a_success(runner):
    job = take_one(runner)
    runner.run(revoke, by_id(job))
    assert finish(runner, job).ids == {job.id}
    assert (runner.result(job.id)["state"], runner.result(job.id)["error"]) == ("succeeded", None)


def test_one_that_fails_is_revoked_and_keeps_its_failure(runner):
    job, plain = take_one(runner), take_one(runner)
    runner.run(revoke, by_id(job))
    failure = Failure("ValueError: no", '{"name": "ValueError"}', "Traceback")
    for one in (job, plain):
        assert send(runner, one, Finish(one.id, State.FAILED, None, 1.5, failure)).ids == {one.id}
    row = runner.result(job.id)
    assert (row["state"], row["error"]) == ("revoked", "revoked while it ran: ValueError: no")
    assert (row["traceback"], row["runtime"]) == ("Traceback", 1.5)
    assert (runner.result(plain.id)["state"], runner.result(plain.id)["error"]) == ("failed", "ValueError: no")


@pytest.mark.parametrize("move", MOVES)
def test_one_that_would_wait_again_ends_as_revoked(runner, move):
    job, plain = take_one(runner), take_one(runner)
    runner.run(revoke, by_id(job))
    moves = [MOVES[move](one) for one in (job, plain)]
    settled = runner.run(settle, ME, moves, {job.id: job.token, plain.id: plain.token})
    assert settled.ids == {job.id, plain.id}
    assert [placed.id for placed in settled.waiting] == [plain.id]
    assert [row["id"] for row in rows_left(runner)] == [plain.id]
    row = runner.result(job.id)
    wanted = f"revoked while it ran: {moves[0].error}" if moves[0].error else "revoked"
    assert (row["state"], row["error"], row["claim_token"]) == ("revoked", wanted, job.token)


@pytest.mark.parametrize("move", MOVES)
def test_the_fence_holds_for_it_too(runner, move):
    job = take_one(runner)
    runner.run(revoke, by_id(job))
    assert send(runner, job, MOVES[move](job), worker=OTHER).ids == set()
    assert send(runner, job._replace(token=job.token + 1), MOVES[move](job)).ids == set()
    assert runner.job(job.id)["state"] == "running"
    assert runner.rows("SELECT id FROM sqlqueue_results") == []


@pytest.mark.parametrize("values", [{}, {"acks_late": False}])
def test_one_whose_worker_died_ends_as_revoked(runner, values):
    job, plain = take_one(runner, **values), take_one(runner)
    runner.run(revoke, by_id(job))
    rescued = runner.run(rescue, ME, "worker died")
    assert (rescued.lost, [placed.id for placed in rescued.back]) == ([job.id], [plain.id])
    assert [row["id"] for row in rows_left(runner)] == [plain.id]
    row = runner.result(job.id)
    assert (row["state"], row["error"]) == ("revoked", "revoked while it ran: worker died")


def test_a_finished_or_unknown_job_is_left_alone(runner):
    job = take_one(runner)
    finish(runner, job)
    assert runner.run(revoke, by_id(job, "no such job")).met == 0
    assert runner.result(job.id)["state"] == "succeeded"


def test_twice_is_harmless(runner):
    waiting, running = put_many(runner, 1)[0], None
    (running,) = take(runner)
    (waiting,) = put_many(runner, 1)
    first = runner.run(revoke, by_id(waiting, running))
    assert (first.ended, [one.id for one in first.running]) == ([waiting], [running.id])
    again = runner.run(revoke, by_id(waiting, running))
    assert (again.ended, [one.id for one in again.running]) == ([], [running.id])
    assert runner.run(revoke, EVERY).met == 0


def test_by_task_queue_header_family_and_error(runner):
    plain = new_job()
    task, queue = new_job(task="shop.bill"), new_job(queue="others")
    header = new_job(headers='{"order": 7, "it\'s": "x"}')
    listed, other = new_job(headers='{"order": [6, 7]}'), new_job(headers='{"order": 8}')
    child = new_job(root_id=plain.id)
    put(runner, plain, task, queue, header, listed, other, child)
    for which, wanted in (
        (Which(task="shop.bill"), {task.id}),
        (Which(queue="others"), {queue.id}),
        (Which(queue="others", task="shop.bill"), set()),
        (Which(header="order", header_values=["7", "9"]), {header.id, listed.id}),
        (Which(header="it's", header_values=["x"]), set()),
        (Which(root_id=plain.id), {plain.id, child.id}),
        (EVERY, {other.id}),
    ):
        assert set(runner.run(revoke, which).ended) == wanted, which


def test_a_filter_goes_in_batches_until_none_is_left(runner):
    put_many(runner, 2)
    take(runner)
    put_many(runner, 5)
    met = []
    while batch := runner.run(revoke, EVERY, 3).met:
        met.append(batch)
    assert met == [3, 3, 1]
    assert len(rows_left(runner)) == 2


def test_as_part_of_a_transaction_that_is_rolled_back_it_never_was(runner):
    (job_id,) = put_many(runner, 1)

    def revoke_and_fail(dialect):
        yield from revoke(dialect, by_id(job_id))
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError):
        runner.run(revoke_and_fail)
    assert (runner.job(job_id)["state"], bool(runner.job(job_id)["revoked"])) == ("ready", False)


class Rival:
    """Another transaction, open for as long as a block lasts, and what waits for it."""

    def __init__(self, url, op):
        self.connection = psycopg.connect(url)
        self.value = drive(over_pyformat(self.connection, ROW), op)
        self.url = url

    def run_behind(self, call):
        """Run ``call`` in a thread; once it waits for our lock, commit, and return what it returned."""
        found = []
        thread = threading.Thread(target=lambda: found.append(call()))
        thread.start()
        with psycopg.connect(self.url, autocommit=True) as onlooker:
            wait_until(
                "somebody to wait for the lock",
                lambda: onlooker.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall(),
            )
        self.connection.commit()
        thread.join(30)
        return found[0]

    def end(self, *, commit=True):
        (self.connection.commit if commit else self.connection.rollback)()
        self.connection.close()


@pytest.fixture
def rival(postgres_runner):
    rivals = []

    def begin(op):
        rivals.append(Rival(postgres_runner.url, op))
        return rivals[-1]

    yield begin
    for one in rivals:
        one.connection.close()


PG = Postgres()


def test_claimed_first_it_is_marked(postgres_runner, rival):
    (job_id,) = put_many(postgres_runner, 1)
    claimer = rival(claim(PG, ME, [lane()], 10))
    revoked = claimer.run_behind(lambda: postgres_runner.run(revoke, by_id(job_id)))
    assert (revoked.ended, revoked.running) == ([], [Running(job_id, ME, 1)])


def test_revoked_first_it_is_not_claimed(postgres_runner, rival):
    job_id, other = put_many(postgres_runner, 2)
    revoker = rival(revoke(PG, by_id(job_id)))
    assert [job.id for job in take(postgres_runner)] == [other]
    revoker.end()
    assert take(postgres_runner) == []


def test_settled_first_it_is_over(postgres_runner, rival):
    job = take_one(postgres_runner)
    settler = rival(settle(PG, ME, [Finish(job.id, State.SUCCEEDED, "5", 0.1)], {job.id: job.token}))
    assert settler.run_behind(lambda: postgres_runner.run(revoke, by_id(job))).met == 0
    assert postgres_runner.result(job.id)["state"] == "succeeded"


def test_retried_first_it_waited(postgres_runner, rival):
    job = take_one(postgres_runner)
    settler = rival(settle(PG, ME, [MOVES["retried later"](job)], {job.id: job.token}))
    assert settler.run_behind(lambda: postgres_runner.run(revoke, by_id(job))).ended == [job.id]


@pytest.mark.parametrize("move", MOVES)
def test_revoked_first_the_settlement_is_sent_again(postgres_runner, rival, move):
    job = take_one(postgres_runner)
    revoker = rival(revoke(PG, by_id(job)))
    assert send(postgres_runner, job, MOVES[move](job)).ids == set(), "it is locked, and nobody waits"
    revoker.end()
    assert send(postgres_runner, job, MOVES[move](job)).ids == {job.id}
    assert postgres_runner.result(job.id)["state"] == "revoked"


def test_a_revocation_that_is_rolled_back_changes_nothing(postgres_runner, rival):
    job = take_one(postgres_runner)
    rival(revoke(PG, by_id(job))).end(commit=False)
    assert send(postgres_runner, job, MOVES["retried later"](job)).waiting


def test_an_operator_waits_for_a_lock_but_not_for_ever(postgres_runner, rival):
    (job_id,) = put_many(postgres_runner, 1)
    rival(claim(PG, ME, [lane()], 10))
    with pytest.raises(Exception, match="lock timeout"):
        postgres_runner.run(revoke, by_id(job_id), patience=0.05)


def test_workers_are_told_of_the_jobs_that_they_hold(runner):
    for worker in (ME, OTHER):
        sign_on(runner, worker, name=worker)
    telling = Message("m1", "heed", {"signal": "SIGINT"})
    (waiting,) = put_many(runner, 1)
    assert runner.run(revoke, by_id(waiting), telling=telling).ended == [waiting]
    assert runner.run(notices, ME).messages == [], "nobody holds it"
    mine, others = take_one(runner), take_one(runner, OTHER)
    runner.run(revoke, by_id(mine, others), telling=telling)
    (message,) = runner.run(notices, ME).messages
    assert (message.command, message.arguments["signal"]) == ("heed", "SIGINT")
    assert sorted(message.arguments["jobs"]) == sorted([[mine.id, mine.token], [others.id, others.token]])
    assert [message.destination.means("", one) for one in (ME, OTHER, STRANGER)] == [True, True, False]

"""The fence: a settlement counts only under the claim that it was made for, and once."""

import pytest

from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.ops.rescue import rescue
from tests.support.jobs import ME, OTHER, STRANGER, finish, send, take, take_one

SETTLEMENTS = {
    "finish": lambda job: Finish(job.id, State.SUCCEEDED, "5", 0.25),
    "reschedule": lambda job: Reschedule(job.id, 60.0, 1, "E: again"),
    "give back": lambda job: GiveBack(job.id, started=True, crashes=1),
    "give back, later": lambda job: GiveBack(job.id, started=False, delay=60.0),
}


@pytest.fixture(params=SETTLEMENTS)
def settlement(request):
    return SETTLEMENTS[request.param]


@pytest.mark.parametrize("token", [0, 2, 1 << 40])
def test_a_wrong_token_settles_nothing(runner, settlement, token):
    job = take_one(runner)
    before = runner.job(job.id)
    settled = send(runner, job._replace(token=token), settlement(job))
    assert (settled.ids, settled.waiting) == (set(), [])
    assert unchanged(runner, before)


def test_a_wrong_worker_settles_nothing(runner, settlement):
    job = take_one(runner)
    before = runner.job(job.id)
    assert send(runner, job, settlement(job), worker=OTHER).ids == set()
    assert unchanged(runner, before)


def test_a_job_that_is_not_running_is_not_settled(runner, settlement):
    job = take_one(runner)
    send(runner, job, GiveBack(job.id, started=True))
    before = runner.job(job.id)
    assert before["claim_token"] == job.token
    assert send(runner, job, settlement(job)).ids == set()
    assert unchanged(runner, before)


def test_a_settlement_sent_twice_counts_once(runner, settlement):
    job = take_one(runner)
    assert send(runner, job, settlement(job)).ids == {job.id}
    before = everything(runner)
    assert send(runner, job, settlement(job)).ids == set()
    assert everything(runner) == before


def test_an_unknown_id_settles_nothing(runner, settlement):
    job = take_one(runner)
    before = runner.job(job.id)
    ghost = job._replace(id="no such job")
    assert send(runner, ghost, settlement(ghost)).ids == set()
    assert unchanged(runner, before)


def test_of_a_batch_only_the_stale_ones_are_refused(runner):
    job, gone = take_one(runner), take_one(runner)
    assert finish(runner, job, gone._replace(token=job.token + 5)).ids == {job.id}
    assert runner.job(gone.id)["state"] == "running"


def test_the_token_grows_with_every_claim(runner):
    job = take_one(runner)
    for token, worker in ((2, OTHER), (3, ME)):
        send(runner, job, GiveBack(job.id, started=False), worker=ME if worker == OTHER else OTHER)
        (job,) = take(runner, worker)
        assert (job.token, runner.job(job.id)["claim_token"]) == (token, token)


def test_a_stale_workers_settlement_after_rescue_and_reclaim_changes_nothing(runner, settlement):
    stale = take_one(runner)
    runner.run(rescue, ME, "the machine died")
    (fresh,) = take(runner, OTHER)
    assert (fresh.id, fresh.token) == (stale.id, stale.token + 1)
    before = runner.job(stale.id)
    assert send(runner, stale, settlement(stale)).ids == set()
    assert send(runner, stale._replace(token=fresh.token), settlement(stale)).ids == set()
    assert send(runner, fresh, settlement(fresh), worker=STRANGER).ids == set()
    assert unchanged(runner, before)
    assert send(runner, fresh, settlement(fresh), worker=OTHER).ids == {fresh.id}


def unchanged(runner, before):
    return everything(runner) == ([before], [])


def everything(runner):
    return runner.rows("SELECT * FROM sqlqueue_jobs"), runner.rows("SELECT * FROM sqlqueue_results")

"""rescue: a dead worker's jobs are taken back; who is charged for its death."""

import json

from sqlqueue.domain.job import FRONT_LANE_OFFSET
from sqlqueue.domain.settlement import GiveBack
from sqlqueue.store.ops.rescue import held_ids, held_within, rescue, strays
from sqlqueue.store.ops.workers import sign_off
from sqlqueue.store.rows import Placed
from tests.support.jobs import ME, OTHER, QUEUE, put_many, send, sign_on, take, take_one

WHY = 'worker test-worker1 died, it\'s "gone" %s :x'


def in_front(runner, **values):
    """Claim a job from the front lane."""
    job = take_one(runner, **values)
    send(runner, job, GiveBack(job.id, started=False))
    (job,) = take(runner)
    assert job.seq < 0
    return job


def test_jobs_of_the_main_lane_return_uncharged_to_the_front(runner):
    sign_on(runner)
    ids = put_many(runner, 3)
    jobs = take(runner)
    rescued = runner.run(rescue, ME, WHY)
    assert (rescued.first, rescued.lost) == (True, [])
    wanted = {Placed(job.id, QUEUE, 0, job.seq - FRONT_LANE_OFFSET) for job in jobs}
    assert set(rescued.back) == wanted
    for row in runner.rows("SELECT * FROM sqlqueue_jobs"):
        assert (row["state"], row["worker"], row["claimed_at"]) == ("ready", None, None)
        assert (row["attempt"], row["crashes"]) == (0, 0)
    later = put_many(runner, 1)
    assert [job.id for job in take(runner, OTHER)] == ids + later


def test_a_job_of_the_front_lane_is_charged(runner):
    job = in_front(runner)
    assert [one.id for one in runner.run(rescue, ME, WHY).back] == [job.id]
    row = runner.job(job.id)
    assert (row["crashes"], row["attempt"], row["seq"]) == (1, 1, job.seq)
    (again,) = take(runner, OTHER)
    assert (again.crashes, again.attempt) == (1, 2)


def test_after_its_last_crash_it_fails(runner):
    job = in_front(runner, max_crashes=2, args="[1]")
    runner.run(rescue, ME, WHY)
    take(runner, OTHER)
    rescued = runner.run(rescue, OTHER, WHY)
    assert (rescued.back, rescued.lost) == ([], [job.id])
    assert runner.rows("SELECT * FROM sqlqueue_jobs") == []
    row = runner.result(job.id)
    assert (row["state"], row["crashes"], row["error"]) == ("failed", 2, f"WorkerLost: {WHY}")
    assert (str(row["worker"]), row["claim_token"], row["result"]) == (OTHER, 3, None)
    exception = row["exception"] if isinstance(row["exception"], dict) else json.loads(row["exception"])
    assert exception == {"module": "sqlqueue.errors", "name": "WorkerLost", "args": [WHY]}


def test_a_job_to_run_at_most_once_fails(runner):
    once, again = take_one(runner, acks_late=False), take_one(runner)
    rescued = runner.run(rescue, ME, WHY)
    assert (rescued.lost, [one.id for one in rescued.back]) == ([once.id], [again.id])
    row = runner.result(once.id)
    assert (row["state"], row["error"], row["attempt"], row["crashes"]) == ("failed", f"WorkerLost: {WHY}", 1, 1)


def test_a_job_to_run_at_most_once_that_was_only_waiting_is_safe(runner):
    (job_id,) = put_many(runner, 1, acks_late=False)
    assert runner.run(rescue, ME, WHY).lost == []
    assert runner.job(job_id)["state"] == "ready"


def test_a_rescue_twice_is_harmless(runner):
    sign_on(runner)
    front = in_front(runner)
    put_many(runner, 1)
    take(runner)
    take_one(runner, acks_late=False)
    first = runner.run(rescue, ME, WHY)
    before = runner.rows("SELECT * FROM sqlqueue_jobs ORDER BY id"), runner.rows("SELECT * FROM sqlqueue_results")
    assert (first.first, len(first.back), len(first.lost)) == (True, 2, 1)
    assert runner.run(rescue, ME, WHY)[:3] == (False, [], [])
    after = runner.rows("SELECT * FROM sqlqueue_jobs ORDER BY id"), runner.rows("SELECT * FROM sqlqueue_results")
    assert after == before
    assert runner.job(front.id)["crashes"] == 1


def test_other_workers_keep_theirs(runner):
    mine, theirs = take_one(runner), None
    put_many(runner, 1)
    (theirs,) = take(runner, OTHER)
    runner.run(rescue, ME, WHY)
    assert runner.job(mine.id)["state"] == "ready"
    assert str(runner.job(theirs.id)["worker"]) == OTHER


def test_a_dead_workers_row_is_signed_off(runner):
    sign_on(runner)
    runner.run(rescue, ME, WHY)
    (row,) = runner.rows("SELECT stopped_at FROM sqlqueue_workers")
    assert row["stopped_at"] is not None


def test_strays_are_workers_that_hold_jobs_and_are_not_living(runner):
    assert runner.run(strays) == []
    sign_on(runner)
    take_one(runner)
    assert runner.run(strays) == []
    put_many(runner, 3)
    take(runner, OTHER)
    assert runner.run(strays) == [OTHER]
    runner.run(sign_off, ME)
    assert sorted(runner.run(strays)) == [ME, OTHER]
    for dead in (ME, OTHER):
        runner.run(rescue, dead, WHY)
    assert runner.run(strays) == []


def test_held_within_reads_no_further_than_it_is_told(runner):
    front = in_front(runner)
    first, second = (take_one(runner) for _ in range(2))
    put_many(runner, 1)
    (theirs,) = take(runner, OTHER)
    far, other = theirs.seq + 100, ("elsewhere", 0, theirs.seq + 100)
    assert runner.run(held_within, ME, []) == {}
    assert runner.run(held_within, ME, [other, (QUEUE, 1, far)]) == {}
    assert runner.run(held_within, ME, [(QUEUE, 0, 0)]) == {front.id: front.token}
    some = {front.id: front.token, first.id: 1}
    assert runner.run(held_within, ME, [other, (QUEUE, 0, first.seq)]) == some
    assert runner.run(held_within, ME, [(QUEUE, 0, far)]) == some | {second.id: 1} == runner.run(held_ids, ME)


def test_held_ids_are_the_running_ones_with_their_tokens(runner):
    job, again = take_one(runner), in_front(runner)
    put_many(runner, 1)
    (theirs,) = take(runner, OTHER)
    assert runner.run(held_ids, ME) == {job.id: 1, again.id: 2}
    assert runner.run(held_ids, ME, [again.id, theirs.id, "unknown"]) == {again.id: 2}
    assert runner.run(held_ids, ME, []) == {}
    runner.run(rescue, ME, WHY)
    assert runner.run(held_ids, ME) == {}

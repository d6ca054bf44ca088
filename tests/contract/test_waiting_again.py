"""reschedule and give_back: a job that is not over goes back, to wait for its time or in the front lane."""

import json

from sqlqueue.domain.job import FRONT_LANE_OFFSET
from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.rows import Placed
from tests.support.jobs import ME, OTHER, QUEUE, put_many, send, take, take_one

AHEAD = {
    "sqlite": "SELECT (julianday(run_at) - julianday('now')) * 86400.0 AS ahead FROM sqlqueue_jobs",
    "postgres": "SELECT CAST(extract(epoch FROM run_at - clock_timestamp()) AS float) AS ahead FROM sqlqueue_jobs",
}


def seconds_until_due(runner):
    (row,) = runner.rows(AHEAD[runner.backend])
    return row["ahead"]


def test_a_rescheduled_job_waits_for_its_time(runner):
    job = take_one(runner)
    settled = send(runner, job, Reschedule(job.id, 60.0, 1, "ValueError: no"))
    assert (settled.ids, settled.waiting) == ({job.id}, [Placed(job.id, QUEUE, 0, None)])
    row = runner.job(job.id)
    assert (row["state"], row["seq"], row["worker"], row["claimed_at"]) == ("scheduled", None, None, None)
    assert (row["retries"], row["attempt"], row["crashes"], row["error"]) == (1, 1, 0, "ValueError: no")
    assert 59.0 < seconds_until_due(runner) <= 60.01
    assert take(runner) == []


def test_rescheduled_without_delay_it_is_ready_at_the_end_of_its_lane(runner):
    job = take_one(runner)
    others = put_many(runner, 2)
    (placed,) = send(runner, job, Reschedule(job.id, 0.0, 1, None)).waiting
    assert placed == Placed(job.id, QUEUE, 0, runner.job(job.id)["seq"])
    again = take(runner, OTHER)
    assert [one.id for one in again] == [*others, job.id]
    assert (again[-1].retries, again[-1].attempt, again[-1].token) == (1, 2, 2)


def test_a_batch_is_rescheduled_each_to_a_place_of_its_own(runner):
    ids = put_many(runner, 20)
    jobs = take(runner)
    again = [Reschedule(job.id, 0.0, 1, None) for job in jobs]
    waiting = runner.run(settle, ME, again, {job.id: job.token for job in jobs}).waiting
    assert len({placed.seq for placed in waiting}) == 20
    assert {job.id for job in take(runner)} == set(ids)
    after = put_many(runner, 1)
    assert runner.job(after[0])["seq"] > max(placed.seq for placed in waiting)


def test_a_job_given_back_stands_in_front_and_gets_its_attempt_back(runner):
    job = take_one(runner)
    later = put_many(runner, 1)
    (placed,) = send(runner, job, GiveBack(job.id, started=False)).waiting
    row = runner.job(job.id)
    assert placed.seq == row["seq"] == job.seq - FRONT_LANE_OFFSET < 0
    assert (row["state"], row["worker"], row["claimed_at"]) == ("ready", None, None)
    assert (row["attempt"], row["crashes"], row["retries"]) == (0, 0, 0)
    assert [one.id for one in take(runner)] == [job.id, *later]


def test_the_front_lane_keeps_the_order(runner):
    ids = put_many(runner, 6)
    jobs = take(runner)
    back = [GiveBack(job.id, started=False) for job in (jobs[4], jobs[1], jobs[2])]
    runner.run(settle, ME, back, {job.id: job.token for job in jobs})
    assert [job.id for job in take(runner)] == [ids[1], ids[2], ids[4]]


def test_given_back_twice_it_keeps_its_place_in_front(runner):
    job = take_one(runner)
    send(runner, job, GiveBack(job.id, started=False))
    (again,) = take(runner)
    assert again.seq < 0
    send(runner, again, GiveBack(job.id, started=False))
    assert runner.job(job.id)["seq"] == again.seq


def test_a_job_that_had_started_keeps_its_attempt_and_may_be_charged(runner):
    job = take_one(runner)
    send(runner, job, GiveBack(job.id, started=True, crashes=2, error="WorkerLost: killed"))
    row = runner.job(job.id)
    assert (row["attempt"], row["crashes"], row["error"]) == (1, 2, "WorkerLost: killed")
    (again,) = take(runner)
    assert again.crashes == 2
    send(runner, again, GiveBack(job.id, started=False))
    row = runner.job(job.id)
    assert (row["attempt"], row["crashes"], row["error"]) == (1, 2, "WorkerLost: killed")


def test_given_back_for_later_it_is_scheduled(runner):
    job = take_one(runner)
    (placed,) = send(runner, job, GiveBack(job.id, started=False, delay=30.0, error="unknown task")).waiting
    row = runner.job(job.id)
    assert placed.seq is None
    assert (row["state"], row["seq"], row["attempt"], row["error"]) == ("scheduled", None, 0, "unknown task")
    assert 29.0 < seconds_until_due(runner) <= 30.01


def test_all_kinds_of_settlement_travel_together(runner):
    put_many(runner, 4)
    jobs = take(runner)
    done, again, later, back = jobs
    settled = runner.run(
        settle,
        ME,
        [
            GiveBack(back.id, started=False),
            Reschedule(later.id, 60.0, 1, None),
            Finish(done.id, State.SUCCEEDED, json.dumps([1]), 0.1),
            Reschedule(again.id, 0.0, 1, None),
        ],
        {job.id: job.token for job in jobs},
    )
    assert settled.ids == {job.id for job in jobs}
    assert {placed.id: placed.seq is None for placed in settled.waiting} == {
        again.id: False, later.id: True, back.id: False,
    }  # fmt: skip
    assert [job.id for job in take(runner)] == [back.id, again.id]

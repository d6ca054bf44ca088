"""promote: what is due becomes ready, at the end of its lane."""

import pytest

from sqlqueue.domain.settlement import Reschedule
from sqlqueue.store.ops.promote import promote
from sqlqueue.store.rows import Placed
from tests.support.jobs import QUEUE, new_job, put, put_many, send, take, take_one

LONG_AGO = "2001-01-01 00:00:{second:02d}.000000+00:00"


def make_due(runner, job_id, second=0):
    """Let a scheduled job's time have come, as if it had been waiting for years."""
    moment = LONG_AGO.format(second=second)
    runner.rows("UPDATE sqlqueue_jobs SET run_at = :moment WHERE id = :id", moment=moment, id=job_id)


def test_nothing_scheduled_is_nothing_to_wait_for(runner):
    put_many(runner, 1)
    assert runner.run(promote) == ([], None)


def test_what_is_not_due_stays_and_its_time_is_told(runner):
    put(runner, new_job(delay=500.0), new_job(delay=60.0))
    promoted, seconds = runner.run(promote)
    assert promoted == []
    assert 59.0 < seconds <= 60.01


def test_a_due_job_goes_to_the_end_of_its_lane(runner):
    first = put_many(runner, 1)
    (due,) = put(runner, new_job(delay=60.0))
    ready = put_many(runner, 2)
    make_due(runner, due.id)
    promoted, seconds = runner.run(promote)
    assert promoted == [Placed(due.id, QUEUE, 0, runner.job(due.id)["seq"])]
    assert seconds is None
    assert [job.id for job in take(runner)] == [*first, *ready, due.id]
    assert put(runner)[0].seq > promoted[0].seq


def test_a_promoted_job_is_promoted_once(runner):
    (due,) = put(runner, new_job(delay=60.0))
    make_due(runner, due.id)
    assert len(runner.run(promote)[0]) == 1
    before = runner.job(due.id)
    assert runner.run(promote) == ([], None)
    assert runner.job(due.id) == before


def test_those_due_first_go_first(runner):
    placed = put(runner, *[new_job(delay=60.0) for _ in range(9)])
    turns = [4, 8, 1, 6, 0, 7, 3, 5, 2]
    for one, second in zip(placed, turns, strict=True):
        make_due(runner, one.id, second)
    runner.run(promote)
    due_at = {one.id: second for one, second in zip(placed, turns, strict=True)}
    assert [due_at[job.id] for job in take(runner)] == sorted(turns)


def test_no_more_than_asked_are_promoted_and_the_rest_is_told(runner):
    for one in put(runner, *[new_job(delay=60.0) for _ in range(5)]):
        make_due(runner, one.id)
    promoted, seconds = runner.run(promote, 3)
    assert len(promoted) == 3
    assert seconds < 0
    promoted, seconds = runner.run(promote, 3)
    assert (len(promoted), seconds) == (2, None)


def test_each_goes_to_its_own_lane(runner):
    jobs = [new_job(delay=60.0, priority=9), new_job(delay=60.0, queue="other"), new_job(delay=600.0)]
    for one in put(runner, *jobs)[:2]:
        make_due(runner, one.id)
    promoted, seconds = runner.run(promote)
    assert {(one.id, one.queue, one.priority) for one in promoted} == {
        (jobs[0].id, QUEUE, 9), (jobs[1].id, "other", 0),
    }  # fmt: skip
    assert 599.0 < seconds <= 600.01


@pytest.mark.parametrize("retries", [1, 7])
def test_a_retry_is_promoted_as_well(runner, retries):
    job = take_one(runner)
    send(runner, job, Reschedule(job.id, 60.0, retries, "E: no"))
    make_due(runner, job.id)
    runner.run(promote)
    (again,) = take(runner)
    assert (again.id, again.retries, again.attempt, again.token) == (job.id, retries, 2, 2)

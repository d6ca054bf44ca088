"""claim: each ready job to one worker, lane by lane, in order."""

from datetime import UTC, datetime

import pytest

from sqlqueue.store.ops.claim import claim, lanes
from tests.support.jobs import HIGHEST, ME, OTHER, QUEUE, lane, new_job, put, put_many, take, take_one


def test_a_claim_marks_the_row(runner):
    (job_id,) = put_many(runner, 1)
    (job,) = take(runner)
    row = runner.job(job_id)
    assert (row["state"], str(row["worker"]), row["attempt"], row["claim_token"]) == ("running", ME, 1, 1)
    assert row["claimed_at"] is not None
    assert row["seq"] == job.seq
    assert (job.attempt, job.token, job.retries, job.crashes, job.max_crashes) == (1, 1, 0, 0, 3)
    assert (job.queue, job.priority, job.task) == (QUEUE, 0, "shop.add")


def test_what_the_job_carries_is_handed_over(runner):
    job = take_one(
        runner,
        args="[1]",
        kwargs='{"a":2}',
        headers='{"h":3}',
        options='{"o":4}',
        parent_id="p",
        root_id="r",
        group_id="g",
        acks_late=False,
        max_crashes=5,
    )
    assert (job.args, job.kwargs, job.headers, job.options) == ("[1]", '{"a":2}', '{"h":3}', '{"o":4}')
    assert (job.parent_id, job.root_id, job.group_id) == ("p", "r", "g")
    assert (bool(job.acks_late), job.max_crashes) == (False, 5)


def test_a_lane_is_read_in_order(runner):
    ids = put_many(runner, 50)
    assert [job.id for job in take(runner, at_most=30)] == ids[:30]
    assert [job.id for job in take(runner, at_most=30)] == ids[30:]


def test_jobs_of_shunned_tasks_are_left_to_others(runner):
    jobs = [new_job(task=task) for task in ("shop.add", "shop.later", "shop.add", "shop.never")]
    put(runner, *jobs)
    shunned = ["shop.later", "shop.never", 'it\'s "quoted", %s']
    taken = runner.run(claim, ME, [lane()], 100, shunned)
    assert [job.id for job in taken] == [jobs[0].id, jobs[2].id]
    assert [job.id for job in take(runner)] == [jobs[1].id, jobs[3].id]


def test_a_claimed_job_is_not_claimed_again(runner):
    put_many(runner, 3)
    assert len(take(runner)) == 3
    assert take(runner) == []
    assert take(runner, OTHER) == []


def test_no_more_are_claimed_than_asked(runner):
    put_many(runner, 10)
    put_many(runner, 10, queue="second")
    both = [lane(at_most=4), lane("second", at_most=100)]
    assert [job.queue for job in take(runner, at_most=7, lanes=both)] == [QUEUE] * 4 + ["second"] * 3


def test_lanes_are_served_in_the_order_given(runner):
    low, high = put_many(runner, 2), put_many(runner, 2, priority=9)
    claimed = take(runner, lanes=[lane(priority=9), lane()])
    assert [job.id for job in claimed] == high + low


def test_the_same_lane_twice_gives_nothing_twice(runner):
    ids = put_many(runner, 6)
    places = [runner.job(job_id)["seq"] for job_id in ids]
    twice = [lane(at_most=1, high=places[2]), lane(low=places[2])]
    assert [job.id for job in take(runner, lanes=twice)] == [ids[0], *ids[3:]]


def test_only_what_lies_between_low_and_high_is_claimed(runner):
    ids = put_many(runner, 5)
    places = [runner.job(job_id)["seq"] for job_id in ids]
    found = take(runner, lanes=[lane(low=places[0], high=places[4])])
    assert [job.id for job in found] == ids[1:4]


def test_queues_are_separate(runner):
    mine, other = put_many(runner, 2), put_many(runner, 2, queue="other")
    assert [job.id for job in take(runner)] == mine
    assert [job.id for job in take(runner, lanes=[lane("other")])] == other


@pytest.mark.parametrize("queue", ["a b", "Ünï", "o'clock", '"quoted"', "{curly,array}", "%s", ":x", "null", "\\"])
def test_a_queue_may_have_any_name(runner, queue):
    ids = put_many(runner, 1, queue=queue)
    assert [job.id for job in take(runner, lanes=[lane(queue)])] == ids


def test_a_scheduled_job_is_not_claimed(runner):
    put(runner, new_job(delay=60.0))
    assert take(runner) == []


def test_an_expired_job_is_claimed_and_flagged(runner):
    late, early = new_job(expires_at=datetime(2001, 1, 1, tzinfo=UTC)), new_job(expires=60.0)
    put(runner, late, early, new_job(expires=-1.0), new_job())
    assert [bool(job.expired) for job in take(runner)] == [True, False, True, False]


def test_the_extreme_priorities_are_lanes_too(runner):
    top, bottom = put_many(runner, 1, priority=32767), put_many(runner, 1, priority=-32768)
    found = take(runner, lanes=[lane(priority=32767), lane(priority=-32768)])
    assert [job.id for job in found] == top + bottom


def test_lanes_are_listed_by_queue_with_the_highest_priority_first(runner):
    for priority in (0, 9, -3, 9):
        put_many(runner, 3, priority=priority)
    put_many(runner, 1, queue="second", priority=4)
    put_many(runner, 1, queue="unasked", priority=5)
    put(runner, new_job(queue="second", priority=6, delay=60.0))
    found = runner.run(lanes, [QUEUE, "second", "empty"])
    assert [priority for queue, priority in found if queue == QUEUE] == [9, 0, -3]
    assert [lane for lane in found if lane[0] != QUEUE] == [("second", 4)]


def test_a_lane_whose_jobs_all_run_is_still_listed(runner):
    take_one(runner, priority=0)
    assert runner.run(lanes, [QUEUE]) == [(QUEUE, 0)]


def test_two_connections_share_a_lane_without_overlap(runner):
    ids = put_many(runner, 20)
    other = runner.another()
    try:
        mine, theirs = take(runner, ME, at_most=8), take(other, OTHER)
    finally:
        other.close()
    assert [job.id for job in mine + theirs] == ids
    assert {job.id for job in mine}.isdisjoint(job.id for job in theirs)


def test_a_cursor_past_the_end_finds_nothing(runner):
    put_many(runner, 2)
    assert take(runner, lanes=[lane(low=HIGHEST - 1)]) == []

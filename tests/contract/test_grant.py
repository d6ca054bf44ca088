"""grant: jobs under limits of the whole fleet are claimed as far as the limits let, and no other claim meets them."""

import psycopg
import pytest

from sqlqueue.domain.quota import Quota, read_limits, write_limits
from sqlqueue.domain.settlement import GiveBack, Reschedule
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.grant import LimitedLane, ensure_limits, grant, limited_lanes
from sqlqueue.store.ops.limits import LimitRow, all_limits, clear_limit, set_limit
from sqlqueue.store.ops.notices import notices
from sqlqueue.store.ops.prune import prune
from sqlqueue.store.ops.purge import purge
from sqlqueue.store.ops.rescue import held_ids, held_within, rescue
from sqlqueue.store.ops.retry import retry
from sqlqueue.store.ops.revoke import revoke
from tests.support.jobs import ME, OTHER, QUEUE, finish, put_many, send, take
from tests.support.runners import Runner

ACME, DINGO = write_limits([("key:acme", Quota(2))]), write_limits([("key:dingo", Quota(2))])


def limited(limits: str | None, queue: str = QUEUE, priority: int = 0, more: tuple = ()) -> LimitedLane:
    return LimitedLane(queue, limits, priority, (*read_limits(limits), *more))


def granted(runner: Runner, *lanes: LimitedLane, worker: str = ME, at_most: int = 100, shunned=()):
    asked = lanes or (limited(ACME),)
    runner.run(ensure_limits, [name for lane in asked for name, _ in lane.quotas])
    return runner.run(grant, worker, asked, at_most, shunned)


def jobs_of(*args, **kwargs):
    return [job for job, _ in granted(*args, **kwargs).jobs]


def test_no_more_run_than_the_limit_says_and_in_order(runner):
    ids = put_many(runner, 5, limits=ACME)
    first = jobs_of(runner)
    assert [job.id for job in first] == ids[:2]
    assert jobs_of(runner) == []
    assert jobs_of(runner, worker=OTHER) == []
    finish(runner, first[0])
    assert [job.id for job in jobs_of(runner, worker=OTHER)] == ids[2:3]


def test_a_granted_job_looks_like_a_claimed_one(runner):
    carried = {"args": "[1]", "kwargs": '{"a":2}', "headers": '{"h":3}', "options": '{"o":4}', "max_crashes": 5}
    (claimed_id,) = put_many(runner, 1, **carried)
    (granted_id,) = put_many(runner, 1, limits=ACME, **carried)
    (claimed,), (found,) = take(runner), jobs_of(runner)
    assert (claimed.id, found.id) == (claimed_id, granted_id)
    assert found._replace(id="", seq=0) == claimed._replace(id="", seq=0)
    row = runner.job(granted_id)
    assert (row["state"], str(row["worker"]), row["claim_token"], row["limits"]) == ("running", ME, 1, ACME)
    assert row["claimed_at"] is not None


def test_a_granted_job_is_among_those_held_however_far_the_lanes_were_claimed(runner):
    put_many(runner, 1, limits=ACME)
    (job,) = jobs_of(runner)
    assert runner.run(held_within, ME, []) == {job.id: job.token} == runner.run(held_ids, ME)


def test_no_other_claim_meets_them(runner):
    put_many(runner, 3, limits=ACME)
    plain = put_many(runner, 2)
    assert [job.id for job in take(runner)] == plain


def test_larger_priorities_go_first(runner):
    low, high = put_many(runner, 1, limits=ACME), put_many(runner, 1, limits=ACME, priority=7)
    assert [job.id for job in jobs_of(runner)] == high + low


def test_lanes_are_found_and_a_search_goes_on_behind_the_last_one(runner):
    put_many(runner, 2, limits=DINGO)
    put_many(runner, 2, limits=ACME)
    put_many(runner, 1, limits=ACME, queue="second")
    put_many(runner, 1)
    found = runner.run(limited_lanes, [(QUEUE, ""), ("second", ""), ("third", "")], 100)
    assert sorted(found) == sorted([(QUEUE, ACME), ("second", ACME), (QUEUE, DINGO)])
    assert runner.run(limited_lanes, [(QUEUE, "")], 1) == [(QUEUE, ACME)]
    assert runner.run(limited_lanes, [(QUEUE, ACME)], 1) == [(QUEUE, DINGO)]


def test_lanes_of_one_limit_share_it(runner):
    put_many(runner, 3, limits=ACME)
    put_many(runner, 3, limits=ACME, queue="second")
    found = granted(runner, limited(ACME), limited(ACME, "second"))
    assert [n for _, n in found.jobs] == [0, 0]
    assert found.look_in[1] > 0


def test_a_job_under_two_limits_needs_a_slot_of_each(runner):
    both = write_limits([("key:acme", Quota(3)), ("task:shop.add", Quota(2))])
    put_many(runner, 4, limits=both)
    put_many(runner, 4, limits=ACME)
    assert [n for _, n in granted(runner, limited(both), limited(ACME)).jobs] == [0, 0]
    assert runner.run(all_limits) == [LimitRow("key:acme", None, 2, 0), LimitRow("task:shop.add", None, 2, 0)]


def test_a_limited_queue_counts_all_its_jobs(runner):
    put_many(runner, 3)
    put_many(runner, 3, limits=ACME)
    whole = (("queue:testq", Quota(3)),)
    found = granted(runner, limited(ACME, more=whole), limited(None, more=whole))
    assert [n for _, n in found.jobs] == [0, 0, 1]


def test_what_was_set_holds_instead_of_what_the_sender_said(runner):
    put_many(runner, 5, limits=ACME)
    runner.run(set_limit, "key:acme", Quota(1))
    (job,) = jobs_of(runner)
    runner.run(set_limit, "key:acme", Quota(4))
    assert len(jobs_of(runner)) == 3
    assert runner.run(notices, ME).limits == {"key:acme": Quota(4)}
    assert runner.run(clear_limit, "key:acme") is True
    assert runner.run(clear_limit, "key:acme") is False
    assert jobs_of(runner) == []
    finish(runner, job)


def test_only_so_many_start_within_so_many_seconds(runner):
    rate = write_limits([("key:acme", Quota(None, 3, 3600.0))])
    put_many(runner, 5, limits=rate)
    jobs = jobs_of(runner, limited(rate))
    assert len(jobs) == 3
    finish(runner, *jobs)
    found = granted(runner, limited(rate))
    assert found.jobs == []
    assert 3500 < found.look_in[0] <= 3600
    runner.rows("UPDATE sqlqueue_slots SET granted_at = '2020-01-01 00:00:00.000000+00:00'")
    assert len(jobs_of(runner, limited(rate))) == 2


def free_by_settling(runner, jobs):
    finish(runner, *jobs)


def free_by_a_retry(runner, jobs):
    for job in jobs:
        send(runner, job, Reschedule(job.id, 60.0, 1, "KeyError"))


def free_by_giving_back(runner, jobs):
    for job in jobs:
        send(runner, job, GiveBack(job.id, started=False, delay=60.0))


def free_by_rescue(runner, jobs):
    runner.run(rescue, ME, "it died")
    runner.run(purge, [QUEUE])
    put_many(runner, 2, limits=ACME)


def free_by_revoking_and_a_death(runner, jobs):
    runner.run(revoke, Which(ids=[job.id for job in jobs]))
    runner.run(rescue, ME, "it died")


@pytest.mark.parametrize(
    "free",
    [free_by_settling, free_by_a_retry, free_by_giving_back, free_by_rescue, free_by_revoking_and_a_death],
)
def test_whatever_ends_a_claim_frees_its_slot(runner, free):
    put_many(runner, 4, limits=ACME)
    jobs = jobs_of(runner)
    assert jobs_of(runner, worker=OTHER) == []
    free(runner, jobs)
    assert len(jobs_of(runner, worker=OTHER)) == 2
    (limit,) = runner.run(all_limits)
    assert limit.running == 2


def test_a_job_retried_by_hand_is_under_its_limits_again(runner):
    put_many(runner, 1, limits=ACME)
    (job,) = jobs_of(runner)
    runner.run(revoke, Which(ids=[job.id]))
    runner.run(rescue, ME, "it died")
    runner.run(retry, Which(ids=[job.id]))
    assert take(runner) == []
    assert [one.id for one in jobs_of(runner)] == [job.id]


def test_jobs_of_shunned_tasks_are_left_to_others(runner):
    put_many(runner, 1, limits=ACME, task="shop.later")
    (job_id,) = put_many(runner, 1, limits=ACME)
    assert [job.id for job in jobs_of(runner, shunned=["shop.later"])] == [job_id]


def test_a_job_that_is_found_to_be_under_a_limit_goes_to_its_lane(runner):
    put_many(runner, 1)
    (job,) = take(runner)
    send(runner, job, GiveBack(job.id, started=False, limits=ACME))
    assert take(runner) == []
    assert [one.id for one in jobs_of(runner)] == [job.id]


def test_slots_and_limits_that_nobody_needs_are_forgotten(runner):
    put_many(runner, 2, limits=ACME)
    done, held = jobs_of(runner)
    finish(runner, done)
    runner.run(prune, 3600.0)
    assert [row["job_id"] for row in runner.rows("SELECT job_id FROM sqlqueue_slots")] == [held.id]
    finish(runner, held)
    runner.run(prune, 3600.0)
    assert runner.rows("SELECT job_id FROM sqlqueue_slots") == []
    if runner.dialect.name == "postgresql":
        assert runner.rows("SELECT name FROM sqlqueue_limits") == []


def test_old_slots_are_swept_by_who_grants(runner):
    put_many(runner, 9, limits=ACME)
    for _ in range(4):
        finish(runner, *jobs_of(runner))
    assert len(runner.rows("SELECT job_id FROM sqlqueue_slots")) <= 4


def test_a_limit_that_somebody_holds_is_passed_over_and_others_are_not(postgres_runner, emptied_postgres):
    """And nobody waits: a worker's cycle would."""
    put_many(postgres_runner, 2, limits=ACME)
    (other,) = put_many(postgres_runner, 1, limits=DINGO)
    postgres_runner.run(ensure_limits, ["key:acme", "key:dingo"])
    with psycopg.connect(emptied_postgres) as somebody:
        somebody.execute("SELECT 1 FROM sqlqueue_limits WHERE name = 'key:acme' FOR UPDATE")
        found = postgres_runner.run(grant, ME, [limited(ACME), limited(DINGO)], 100)
        somebody.rollback()
    assert [job.id for job, _ in found.jobs] == [other]
    assert found.look_in[0] > 0
    assert len(jobs_of(postgres_runner)) == 2

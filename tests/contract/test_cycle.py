"""cycle: settle and claim in one transaction."""

import pytest

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.ops.cycle import Wanted, cycle
from tests.support.jobs import ME, OTHER, lane, put_many, take


def turn(runner, settlements=(), jobs=(), wanted=None, worker=ME):
    return runner.run(cycle, worker, list(settlements), {job.id: job.token for job in jobs}, wanted)


def test_a_cycle_settles_and_claims(runner):
    ids = put_many(runner, 4)
    jobs = take(runner, at_most=2)
    did = turn(runner, [Finish(job.id, State.SUCCEEDED, "1", 0.1) for job in jobs], jobs, Wanted([lane()], 10))
    assert (did.settled.ids, did.settled.waiting) == (set(ids[:2]), [])
    assert [job.id for job in did.claimed] == ids[2:]
    assert {runner.job(job_id)["state"] for job_id in ids[2:]} == {"running"}
    assert runner.result(ids[0])["state"] == "succeeded"


def test_either_half_may_be_missing(runner):
    ids = put_many(runner, 2)
    did = turn(runner, wanted=Wanted([lane()], 1))
    assert (did.settled.ids, [job.id for job in did.claimed]) == (set(), ids[:1])
    did = turn(runner, [Finish(ids[0], State.SUCCEEDED, None, 0.1)], did.claimed)
    assert (did.settled.ids, did.claimed) == ({ids[0]}, [])
    assert turn(runner)[:2] == ((set(), []), [])


def test_all_kinds_of_settlement_beside_a_claim(runner):
    ids = put_many(runner, 6)
    jobs = take(runner, at_most=5)
    done, failed, later, again, back = jobs
    settlements = [
        GiveBack(back.id, started=False),
        Finish(failed.id, State.FAILED, None, 0.1, Failure("E: no")),
        Reschedule(later.id, 60.0, 1, None),
        Reschedule(again.id, 0.0, 1, None),
        Finish(done.id, State.SUCCEEDED, None, 0.1),
    ]
    did = turn(runner, settlements, jobs, Wanted([lane()], 10))
    assert did.settled.ids == set(ids[:5])
    assert {placed.id for placed in did.settled.waiting} == {later.id, again.id, back.id}
    assert [job.id for job in did.claimed] == [back.id, ids[5], again.id]


def test_a_stale_settlement_does_not_keep_the_claim_from_happening(runner):
    ids = put_many(runner, 2)
    (job,) = take(runner, at_most=1)
    did = turn(runner, [Finish(job.id, State.SUCCEEDED, None, 0.1)], [job], Wanted([lane()], 10), worker=OTHER)
    assert did.settled.ids == set()
    assert [one.id for one in did.claimed] == ids[1:]


def test_a_cycle_that_fails_does_nothing(runner):
    put_many(runner, 2)
    (job,) = take(runner, at_most=1)
    impossible = Wanted([lane(queue="\ud800")], 10)
    with pytest.raises(Exception, match=r"surrogates|utf-8"):
        turn(runner, [Finish(job.id, State.SUCCEEDED, None, 0.1)], [job], impossible)
    assert runner.job(job.id)["state"] == "running"
    assert turn(runner, [Finish(job.id, State.SUCCEEDED, None, 0.1)], [job]).settled.ids == {job.id}

"""register, beat, observe, sign_off: who is alive, by the database's clock. And the lease."""

import pytest

from sqlqueue.store.ops.lease import take_lease
from sqlqueue.store.ops.watch import watch
from sqlqueue.store.ops.workers import beat, observe, sign_off
from tests.support.jobs import ME, OTHER, STRANGER, sign_on

LONG_AGO = "2001-01-01 00:00:00.000000+00:00"


def test_a_registered_worker_is_seen_as_it_described_itself(runner):
    sign_on(runner, queues=["b", "a'\"{}"], tasks=["x", "y"], name="w@ö")
    (seen,) = runner.run(observe)
    assert (seen.incarnation, seen.name, seen.home, seen.pid) == (ME, "w@ö", "m:1:99", 4711)
    assert seen.queues == ["b", "a'\"{}"]
    assert 0.0 <= seen.seen_at - seen.beat_at < 5.0
    (row,) = runner.rows("SELECT host, pool, concurrency, version, stopped_at FROM sqlqueue_workers")
    assert row == {"host": "here", "pool": "solo", "concurrency": 2, "version": "0", "stopped_at": None}


@pytest.mark.parametrize("durably", [False, True])
def test_a_beat_moves_the_row_and_nobody_elses(runner, durably):
    sign_on(runner)
    sign_on(runner, OTHER, name="test-worker2")
    runner.rows("UPDATE sqlqueue_workers SET beat_at = :then", then=LONG_AGO)
    assert runner.run(beat, ME, durably=durably) is True
    age = {seen.incarnation: seen.seen_at - seen.beat_at for seen in runner.run(observe)}
    assert age[ME] < 5.0
    assert age[OTHER] > 86400.0


def test_time_is_seen_to_pass(runner):
    sign_on(runner)
    first = runner.run(observe)[0].seen_at
    assert runner.run(observe)[0].seen_at > first - 0.001


def test_a_worker_that_was_signed_off_hears_it_at_its_next_beat(runner):
    sign_on(runner)
    runner.run(sign_off, ME)
    assert runner.run(observe) == []
    assert runner.run(beat, ME) is False
    assert runner.run(observe) == []


def test_signing_off_twice_keeps_the_first_moment(runner):
    sign_on(runner)
    runner.run(sign_off, ME)
    before = runner.rows("SELECT * FROM sqlqueue_workers")
    runner.run(sign_off, ME)
    assert runner.rows("SELECT * FROM sqlqueue_workers") == before


def test_an_unknown_worker_cannot_beat(runner):
    assert runner.run(beat, STRANGER) is False
    runner.run(sign_off, STRANGER)
    assert runner.run(observe) == []


def test_an_incarnation_registers_once(runner):
    sign_on(runner)
    with pytest.raises(Exception, match=r"(?i)unique"):
        sign_on(runner)
    assert len(runner.run(observe)) == 1


def test_watching_is_a_beat_a_lease_and_a_look(runner):
    sign_on(runner)
    sign_on(runner, OTHER, name="test-worker2")
    runner.rows("UPDATE sqlqueue_workers SET beat_at = :then", then=LONG_AGO)
    leads, lives, workers = runner.run(watch, "leader", ME, 60.0)
    assert (leads, lives, {one.incarnation for one in workers}) == (True, True, {ME, OTHER})
    age = {seen.incarnation: seen.seen_at - seen.beat_at for seen in runner.run(observe)}
    assert age[ME] < 5.0
    assert age[OTHER] > 86400.0
    assert runner.run(watch, "leader", OTHER, 60.0).leads is False
    assert runner.run(watch, "leader", ME, 60.0).leads is True


def test_who_watches_after_it_was_signed_off_hears_that_it_does_not_live(runner):
    sign_on(runner)
    runner.run(sign_off, ME)
    assert runner.run(watch, "leader", ME, 60.0).lives is False
    sign_on(runner, OTHER)
    assert runner.run(watch, "leader", ME, 60.0).lives is False
    assert runner.run(watch, "leader", OTHER, 60.0).lives is True


def test_a_lease_has_one_holder(runner):
    assert runner.run(take_lease, "leader", ME, 60.0) is True
    assert runner.run(take_lease, "leader", OTHER, 60.0) is False
    assert runner.run(take_lease, "leader", ME, 60.0) is True
    assert runner.run(take_lease, "another", OTHER, 60.0) is True


def test_a_lease_is_renewed_by_its_holder(runner):
    runner.run(take_lease, "leader", ME, 1.0)
    before = runner.rows("SELECT expires_at FROM sqlqueue_leases")[0]["expires_at"]
    runner.run(take_lease, "leader", ME, 500.0)
    assert runner.rows("SELECT expires_at FROM sqlqueue_leases")[0]["expires_at"] > before
    assert runner.run(take_lease, "leader", OTHER, 1.0) is False


def test_a_lease_that_ran_out_is_anybodys(runner):
    runner.run(take_lease, "leader", ME, -1.0)
    assert runner.run(take_lease, "leader", OTHER, 60.0) is True
    assert runner.run(take_lease, "leader", ME, 60.0) is False

"""The cursor: it skips what is done, never what may still come. Time is an argument."""

import itertools

import pytest

from sqlqueue.notify.channels import News
from sqlqueue.worker.lane import ECHO, TRAIL
from sqlqueue.worker.lanes import HIGHEST, LOOK_AROUND, LOWEST, STEP_BACK, SWEEP_SHARE, TURN, Lanes
from tests.support.claimed import claimed
from tests.support.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def lanes(clock):
    return Lanes(["a", "b"], clock, remember=True)


def job(seq, queue="a", priority=0):
    return claimed(id=f"job-{seq}", seq=seq, queue=queue, priority=priority)


def claim(lanes, *seqs, queue="a", priority=0, at_most=1000):
    """Read, and claim these places."""
    lanes.reads(1, at_most)
    lanes.claimed([job(seq, queue, priority) for seq in seqs], at_most)


def line(lanes, queue="a", priority=0):
    """Return where the next reading of a lane's line begins, None when the lane is not read."""
    lines = {(read.queue, read.priority): read.low for read in lanes.reads(1, 10) if read.high == HIGHEST}
    return lines.get((queue, priority))


def cursor(lanes, queue="a", priority=0):
    """Return the same, and let the reading find nothing."""
    found = line(lanes, queue, priority)
    lanes.claimed([], 10)
    return found


def test_each_lane_is_read_from_its_front_then_its_line(lanes):
    reads = lanes.reads(3, 100)
    assert [(read.queue, read.low, read.high, read.at_most) for read in reads] == [
        ("a", LOWEST, 0, 3), ("a", 0, HIGHEST, 100), ("b", LOWEST, 0, 3), ("b", 0, HIGHEST, 100),
    ]  # fmt: skip


def test_without_a_free_slot_the_front_is_not_read_until_there_is_one(lanes):
    assert all(read.low >= 0 for read in lanes.reads(0, 100))
    lanes.claimed([], 100)
    assert [read.low for read in lanes.reads(2, 100) if read.high == 0] == [LOWEST, LOWEST]


def test_a_front_that_gave_all_it_was_asked_for_is_read_again(lanes):
    lanes.reads(2, 100)
    lanes.claimed([job(-5), job(-4)], 100)
    assert [read.queue for read in lanes.reads(2, 100) if read.high == 0] == ["a"]
    lanes.claimed([job(-3)], 100)
    lanes.heard("b", News({0: 7}, scheduled=False))
    assert [read.queue for read in lanes.reads(2, 100)] == ["b"]


def test_higher_priorities_come_first_then_queues_in_their_order(lanes):
    lanes.add([("b", 5), ("a", -1), ("a", 5), ("unasked", 9)])
    order = [(read.queue, read.priority) for read in lanes.reads(0, 100)]
    assert order == [("a", 5), ("b", 5), ("a", 0), ("b", 0), ("a", -1)]


def test_while_some_lanes_hold_jobs_only_they_are_read(lanes, clock):
    lanes.reads(0, 2)
    lanes.claimed([job(1), job(2)], 2)  # full at the first lane; nobody knows about the second
    assert {read.queue for read in lanes.reads(0, 100)} == {"a", "b"}
    lanes.claimed([job(3)], 100)  # all there was
    lanes.heard("b", News({0: 9}, scheduled=False))
    assert [read.queue for read in lanes.reads(0, 1)] == ["b"]
    lanes.claimed([job(9, "b")], 1)
    assert [read.queue for read in lanes.reads(0, 1)] == ["b"]
    lanes.claimed([job(10, "b")], 1)
    clock.advance(LOOK_AROUND)
    assert {read.queue for read in lanes.reads(0, 1)} == {"a", "b"}


def test_when_no_lane_is_known_to_hold_jobs_all_are_read(lanes):
    for _ in range(2 * TURN):
        assert len({read.queue for read in lanes.reads(0, 100)}) == 2
        lanes.claimed([], 100)


def test_no_lane_starves_behind_a_fuller_one(lanes):
    """Even one of which nobody has told: at every tenth claim another goes first."""
    lanes.add([("a", 5)])
    firsts = []
    for _ in range(6 * TURN):
        first = lanes.reads(0, 1)[0]
        firsts.append((first.queue, first.priority))
        lanes.claimed([job(len(firsts), *firsts[-1])], 1)
    assert {("a", 5), ("a", 0), ("b", 0)} == set(firsts)
    assert firsts.count(("a", 5)) >= 5 * TURN


def test_a_full_batch_moves_the_cursor_at_once(lanes):
    claim(lanes, 1, 2, 3, at_most=3)
    assert cursor(lanes) == 3
    assert cursor(lanes, "b") == 0


def test_without_a_backlog_the_cursor_follows_after_a_while(lanes, clock):
    claim(lanes, 1, 2, 3)
    assert cursor(lanes) == 0
    clock.advance(TRAIL * 0.9)
    assert cursor(lanes) == 0
    clock.advance(TRAIL * 0.2)
    assert cursor(lanes) == 3


def test_the_cursor_follows_only_to_where_it_was_a_trail_ago(lanes, clock):
    claim(lanes, 10)
    clock.advance(TRAIL * 0.6)
    claim(lanes, 20)
    clock.advance(TRAIL * 0.6)
    assert cursor(lanes) == 10
    clock.advance(TRAIL * 0.6)
    assert cursor(lanes) == 20


def test_the_cursor_never_goes_back_by_itself(lanes, clock):
    claim(lanes, 100, at_most=1)
    claim(lanes, 50)
    clock.advance(TRAIL * 1.1)
    assert cursor(lanes) == 100


def test_jobs_of_the_front_do_not_move_the_cursor(lanes, clock):
    claim(lanes, -(1 << 62) + 7, at_most=1)
    clock.advance(TRAIL * 2)
    assert cursor(lanes) == 0


def test_an_empty_claim_changes_nothing(lanes, clock):
    claim(lanes)
    clock.advance(TRAIL * 2)
    assert cursor(lanes) == 0


def test_every_so_often_each_lane_is_read_from_its_start_and_once(lanes, clock):
    claim(lanes, 10, at_most=1)
    clock.advance(STEP_BACK)
    assert cursor(lanes) == 0
    assert cursor(lanes) == 10
    clock.advance(STEP_BACK)
    assert cursor(lanes, "b") == 0
    assert cursor(lanes) == 10


def test_a_step_back_that_did_not_happen_is_made_up_for(lanes, clock):
    """Its cycle failed: nothing was claimed, so nothing is known."""
    claim(lanes, 10, at_most=1)
    clock.advance(STEP_BACK)
    assert [line(lanes) for _ in range(3)] == [0, 0, 0]


def test_a_full_claim_behind_the_cursor_goes_on_from_there(lanes, clock):
    claim(lanes, 1000, at_most=1)
    clock.advance(STEP_BACK)
    claim(lanes, 3, 4, at_most=2)
    assert line(lanes) == 4
    lanes.claimed([job(5), job(6)], 2)
    assert line(lanes) == 6
    lanes.claimed([job(7), job(1001)], 2)
    assert cursor(lanes) == 1001


def test_a_lane_that_a_full_claim_did_not_come_to_is_still_read_from_its_start(lanes, clock):
    claim(lanes, 10, queue="b", at_most=1)
    clock.advance(STEP_BACK)
    claim(lanes, 1, at_most=1)
    assert line(lanes, "b") == 0
    claim(lanes, 20, queue="b", at_most=1)
    assert line(lanes, "b") == 20


def test_when_the_way_from_the_start_is_long_it_is_gone_rarely(lanes, clock):
    """Old snapshots keep dead entries: then from where the cursor stood before, which is a short way."""

    def step(*, takes):
        clock.advance(STEP_BACK)
        low = line(lanes)
        clock.advance(takes)
        place[0] += 1000
        lanes.claimed([job(place[0])], 1)
        return low

    place = [1000]
    claim(lanes, 1000, at_most=1)
    assert step(takes=1.0) == 0
    rarely = 1.0 / SWEEP_SHARE
    lows = [step(takes=1.0) for _ in range(round(rarely / (STEP_BACK + 1.0)) + 1)]
    assert lows.count(0) == 1
    assert lows[0] == 1000
    assert lows[-1] == 0 or lows[-2] == 0
    assert all(0 < before < after for before, after in itertools.pairwise(low for low in lows if low))


def test_a_late_commit_is_read_again_within_the_time_promised(lanes, clock):
    """A takes 1-500, B skips them and takes 501-1000, A dies: B must look there again without being told."""
    claim(lanes, *range(501, 1001), at_most=500)
    assert cursor(lanes) == 1000
    waited = 0.0
    while cursor(lanes) >= 1:
        clock.advance(0.1)
        waited += 0.1
        assert waited <= 5.0


def test_however_late_a_commit_is_it_is_found_within_the_time_promised(lanes, clock):
    place, lows = 1, []
    for _ in range(600):  # a minute at full speed
        claim(lanes, *range(place, place + 500), at_most=500)
        place += 500
        clock.advance(0.1)
        lows.append(line(lanes))
    assert all(min(lows[at : at + 50]) == 0 for at in range(len(lows) - 50))
    assert sum(low < 1000 for low in lows[50:]) < len(lows) / 30


def test_news_of_something_behind_the_cursor_is_looked_for_and_the_cursor_stays(lanes, clock):
    claim(lanes, 100, at_most=1)
    lanes.heard("a", News({0: 150}, scheduled=False))
    assert cursor(lanes) == 100
    lanes.heard("a", News({0: 40}, scheduled=False))
    lanes.heard("a", News({0: 60}, scheduled=False))
    assert cursor(lanes) == 39
    assert cursor(lanes) == 39  # the message may be a moment ahead of its commit
    claim(lanes, 200, at_most=1)
    assert cursor(lanes) == 39
    clock.advance(ECHO)
    assert cursor(lanes) == 39
    assert cursor(lanes) == 200


def test_news_of_the_front_does_not_move_the_cursor(lanes):
    claim(lanes, 100, at_most=1)
    lanes.heard("a", News({0: -5}, scheduled=False))
    assert cursor(lanes) == 100


def test_news_of_an_unknown_lane_makes_it_known(lanes):
    lanes.heard("a", News({7: 12}, scheduled=False))
    lanes.heard("unasked", News({7: 12}, scheduled=False))
    reads = lanes.reads(0, 9)
    assert (reads[0].queue, reads[0].priority, reads[0].low) == ("a", 7, 0)
    assert len(reads) == 3


def test_after_a_reconnection_everything_is_read_again(lanes, clock):
    claim(lanes, 100, at_most=1)
    lanes.reset()
    assert cursor(lanes) == 0
    clock.advance(TRAIL * 2)
    assert cursor(lanes) == 0


def test_a_database_without_dead_entries_needs_no_cursor(clock):
    lanes = Lanes(["a"], clock, remember=False)
    claim(lanes, 100, at_most=1)
    clock.advance(60.0)
    assert cursor(lanes) == 0


def test_what_was_claimed_stands_before_the_cursor_of_a_lane_that_holds_more(lanes):
    assert dict(places(lanes)) == {("a", 0): 0, ("b", 0): 0}
    claim(lanes, 3, 4, 5, at_most=3)
    assert dict(places(lanes)) == {("a", 0): 5, ("b", 0): 0}
    claim(lanes, 6)
    assert dict(places(lanes)) == {("a", 0): HIGHEST, ("b", 0): HIGHEST}, "they were read to their ends"


def places(lanes):
    return [((queue, priority), place) for queue, priority, place in lanes.claimed_up_to()]

"""The cursor: it skips what is done, never what may still come. Time is an argument."""

import pytest

from sqlqueue.notify.channels import News
from sqlqueue.worker.lanes import HIGHEST, LOWEST, REREAD, SWEEP, TRAIL, TURN, Lanes
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
    lanes.claimed([job(seq, queue, priority) for seq in seqs], at_most)


def cursor(lanes, queue="a", priority=0):
    """Return where the next reading of a lane's line begins."""
    lines = {(read.queue, read.priority): read.low for read in lanes.reads(1, 10) if read.high == HIGHEST}
    return lines[queue, priority]


def test_each_lane_is_read_from_its_front_then_its_line(lanes):
    reads = lanes.reads(3, 100)
    assert [(read.queue, read.low, read.high, read.at_most) for read in reads] == [
        ("a", LOWEST, 0, 3), ("a", 0, HIGHEST, 100), ("b", LOWEST, 0, 3), ("b", 0, HIGHEST, 100),
    ]  # fmt: skip


def test_without_a_free_slot_the_front_is_not_read(lanes):
    assert all(read.low >= 0 for read in lanes.reads(0, 100))


def test_higher_priorities_come_first_then_queues_in_their_order(lanes):
    lanes.add([("b", 5), ("a", -1), ("a", 5), ("unasked", 9)])
    order = [(read.queue, read.priority) for read in lanes.reads(0, 100)]
    assert order == [("a", 5), ("b", 5), ("a", 0), ("b", 0), ("a", -1)]


def test_no_lane_starves_behind_a_fuller_one(lanes):
    lanes.add([("a", 5)])
    firsts = [lanes.reads(0, 100)[0] for _ in range(3 * TURN)]
    assert {(read.queue, read.priority) for read in firsts} == {("a", 5), ("a", 0), ("b", 0)}
    assert sum(read.priority == 5 for read in firsts) >= 3 * TURN - 3
    assert all(len(lanes.reads(0, 100)) == 3 for _ in range(TURN))


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


def test_every_so_often_a_lane_is_read_from_where_it_stood_before(lanes, clock):
    claim(lanes, 10, at_most=1)
    clock.advance(REREAD * 1.01)
    assert cursor(lanes) == 0  # never read before: from the start
    claim(lanes, 20, at_most=1)
    assert cursor(lanes) == 20
    clock.advance(REREAD * 1.01)
    assert cursor(lanes) == 10
    assert cursor(lanes) == 10
    claim(lanes, 30, at_most=1)
    clock.advance(REREAD * 1.01)
    assert cursor(lanes) == 20


def test_a_late_commit_is_read_again_within_the_time_promised(lanes, clock):
    """A takes 1-500, B skips them and takes 501-1000, A dies: B must look there again without being told."""
    claim(lanes, *range(501, 1001), at_most=500)
    assert cursor(lanes) == 1000
    waited = 0.0
    while cursor(lanes) >= 1:
        clock.advance(0.1)
        waited += 0.1
        assert waited <= REREAD + 0.2


def test_what_was_passed_over_in_a_busy_lane_is_read_again_within_the_time_promised(lanes, clock):
    def work(seconds):
        """Claim at full speed; return the lowest place where a reading began."""
        lows = []
        for _ in range(round(seconds * 10)):
            claim(lanes, *range(place[0], place[0] + 500), at_most=500)
            place[0] += 500
            clock.advance(0.1)
            lows.append(cursor(lanes))
        return min(lows)

    place = [1]
    work(REREAD * 4 + 0.5)
    passed_over = place[0] - 100
    assert cursor(lanes) > passed_over
    assert work(REREAD + 0.2) < passed_over


def test_now_and_then_a_lane_is_read_from_its_start(lanes, clock):
    lows = []
    for seq in range(1, round(SWEEP) + 8):
        claim(lanes, seq * 1000, at_most=1)
        clock.advance(1.0)
        lows.append(cursor(lanes))
    after_first_reread = lows[round(REREAD) + 1 :]
    assert after_first_reread.count(0) == 1


def test_news_of_something_behind_the_cursor_lowers_it(lanes):
    claim(lanes, 100, at_most=1)
    lanes.heard("a", News({0: 150}, scheduled=False))
    assert cursor(lanes) == 100
    lanes.heard("a", News({0: 40}, scheduled=False))
    assert cursor(lanes) == 39
    lanes.heard("a", News({0: -5}, scheduled=False))
    assert cursor(lanes) == 39


def test_lowered_by_news_it_does_not_jump_back_up_by_what_was_claimed_before(lanes, clock):
    claim(lanes, 100)
    lanes.heard("a", News({0: 40}, scheduled=False))
    clock.advance(TRAIL * 0.5)
    lanes.heard("a", News({0: 40}, scheduled=False))
    assert cursor(lanes) < 40


def test_news_of_an_unknown_lane_makes_it_known(lanes):
    lanes.heard("a", News({7: 12}, scheduled=False))
    lanes.heard("unasked", News({7: 12}, scheduled=False))
    first = lanes.reads(0, 9)[0]
    assert (first.queue, first.priority, first.low) == ("a", 7, 0)
    assert len(lanes.reads(0, 9)) == 3


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

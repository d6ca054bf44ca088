"""Strangers: jobs of unknown tasks go back, to others at once, else with a growing pause; one warning a task."""

import pytest

from sqlqueue.domain.outcome import LONGEST_PAUSE
from sqlqueue.errors import StoreUnavailable
from sqlqueue.worker.strangers import ASK_AGAIN, Strangers
from tests.support.claimed import claimed
from tests.support.clock import FakeClock


class Others:
    """A link that answers which tasks the others know."""

    def __init__(self, *known):
        self.known = set(known)
        self.asked = []
        self.broken = False

    def read(self, _, names):
        self.asked.append(names)
        if self.broken:
            raise StoreUnavailable("gone")
        return self.known & set(names)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def strangers(clock):
    return Strangers(["known"], clock)


def jobs(*tasks):
    return [claimed(id=str(number), task=task) for number, task in enumerate(tasks)]


def test_without_strangers_nobody_is_asked(strangers):
    others = Others("later")
    assert strangers.turn_away(others, jobs("known", "known")) == []
    assert others.asked == []
    assert strangers.shunned == []


def test_what_others_know_is_left_to_them_at_once(strangers):
    away = strangers.turn_away(Others("later"), jobs("known", "later", "later"))
    assert [(job.id, outcome.delay, outcome.quiet) for job, outcome in away] == [("1", 0.0, False), ("2", 0.0, True)]
    assert "'later'" in away[0][1].reason
    assert strangers.shunned == ["later"]


def test_what_nobody_knows_waits_longer_the_longer_that_lasts(strangers, clock):
    """However many jobs there are of it, and in however many claims they come."""
    seen = []
    for passed in (0.0, 0.0, 0.5, 1.5, 2.0, 4.0, 100.0):
        clock.advance(passed)
        seen.append({outcome.delay for _, outcome in strangers.turn_away(Others(), jobs("never", "never"))})
    assert seen == [{1.0}, {1.0}, {1.0}, {2.0}, {4.0}, {8.0}, {LONGEST_PAUSE}]
    assert strangers.shunned == []


def test_a_task_nobody_knows_is_told_of_once(strangers):
    away = [one for _ in range(3) for one in strangers.turn_away(Others(), jobs("never", "never", "other"))]
    assert [(job.task, outcome.quiet) for job, outcome in away[:3]] == [
        ("never", False),
        ("never", True),
        ("other", False),
    ]
    assert all(outcome.quiet for _, outcome in away[3:])


def test_when_those_who_knew_are_gone_their_jobs_are_taken_again(strangers, clock):
    others = Others("later")
    strangers.turn_away(others, jobs("later"))
    others.known.clear()
    strangers.ask_again(others)
    assert strangers.shunned == ["later"]
    clock.advance(ASK_AGAIN)
    strangers.ask_again(others)
    assert strangers.shunned == []


def test_while_the_database_is_away_strangers_still_go_back(strangers):
    others = Others("later")
    others.broken = True
    ((_, outcome),) = strangers.turn_away(others, jobs("later"))
    assert outcome.delay > 0

"""Rates as words, and whose turn is when."""

from __future__ import annotations

import pytest

from sqlqueue import ConfigError, SQLQueue
from sqlqueue.domain.rates import HOLD, Pace, interval


@pytest.mark.parametrize(
    ("rate", "every"),
    [("10/m", 6.0), ("2/s", 0.5), ("5/h", 720.0), (4, 0.25), ("0.5", 2.0), (None, None), (0, None), ("0/m", None)],
)
def test_rates(rate, every):
    assert interval(rate) == every


@pytest.mark.parametrize("rate", ["many", "10/day", "-1/s", "nan", "inf/s", "1/m/s"])
def test_what_is_no_rate(rate):
    with pytest.raises(ConfigError, match=r"use a number, or such as 10/s"):
        SQLQueue().task(rate_limit=rate)
    with pytest.raises(ConfigError, match=r"use a number"):
        SQLQueue(task_default_rate_limit=rate)


def test_near_turns_are_kept_and_far_ones_spread():
    pace = Pace(1.0)
    assert [pace.next(100.0) for _ in range(3)] == [(0.0, True), (1.0, True), (2.0, True)]
    later = [pace.next(100.0) for _ in range(3)]
    assert later == [(3.0 - HOLD / 2, False), (4.0 - HOLD / 2, False), (5.0 - HOLD / 2, False)]
    assert pace.next(102.0) == (1.0, True), "the first that comes has the turn, whoever was sent away before"


def test_no_turn_is_saved_up():
    pace = Pace(1.0)
    pace.next(0.0)
    assert [pace.next(1000.0) for _ in range(2)] == [(0.0, True), (1.0, True)]

"""Limits of the whole fleet: how they are written, and how many jobs each lane may start."""

import pytest

from sqlqueue.domain.quota import (
    BLOCKED_LOOK,
    Quota,
    Use,
    check_name,
    choose,
    read_limits,
    read_quota,
    stricter,
    write_limits,
)
from sqlqueue.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "quota", "text"),
    [
        (5, Quota(5), "5"),
        ("5", Quota(5), "5"),
        ("0", Quota(0), "0"),
        ("10/m", Quota(None, 10, 60.0), "10/m"),
        ("10/s", Quota(None, 10, 1.0), "10/s"),
        ("5,10/h", Quota(5, 10, 3600.0), "5,10/h"),
        ("5 10/h", Quota(5, 10, 3600.0), "5,10/h"),
    ],
)
def test_what_is_written_is_read(given, quota, text):
    assert read_quota(given) == quota
    assert str(quota) == text


@pytest.mark.parametrize("given", ["", "x", "-1", "0/m", "10/d", "1.5", True, None, 1.5, [5]])
def test_what_is_no_limit_is_refused_in_one_line(given):
    with pytest.raises(ConfigError, match=r"a limit is .*: use how many jobs at a time, such as 5"):
        read_quota(given)


@pytest.mark.parametrize("name", ["mail", "queue:", "task", "row:x", "key:a\nb"])
def test_a_name_says_whose_limit_it_is(name):
    with pytest.raises(ConfigError, match="use queue:NAME, task:NAME or key:NAME"):
        check_name(name)
    assert check_name("queue:mail") == "queue:mail"


def test_a_row_says_its_limits_a_line_each():
    limits = (("key:acme & sons", Quota(2, 10, 60.0)), ("task:shop.add", Quota()))
    text = write_limits(limits)
    assert text == "2,10/m key:acme & sons\n- task:shop.add"
    assert read_limits(text) == limits
    assert write_limits([]) is None
    assert read_limits(None) == ()
    assert read_limits("what is this") == (("is this", Quota()),)


def test_of_two_that_say_different_things_the_stricter_one_holds():
    said = [("a", Quota(5, 10, 60.0)), ("a", Quota(3)), ("a", Quota(None, 10, 3600.0)), ("b", Quota(1))]
    assert stricter(said) == {"a": Quota(3, 10, 3600.0), "b": Quota(1)}


def test_the_room_is_the_least_of_what_is_left():
    assert Use(Quota()).room is None
    assert Use(Quota(5), running=2).room == 3
    assert Use(Quota(5, 10, 60.0), running=2, starts=9, frees_in=7.0).room == 1
    assert Use(Quota(5), running=7).room == 0, "it was lowered while they ran"


def test_who_waits_for_a_slot_looks_often_and_who_waits_for_time_knows_when():
    assert Use(Quota(5), running=5).wait == BLOCKED_LOOK
    assert Use(Quota(None, 10, 60.0), starts=10, frees_in=7.0).wait == 7.0


def test_lanes_share_what_their_limits_let():
    uses = {"task": Use(Quota(5)), "a": Use(Quota(2)), "b": Use(Quota(9)), "free": Use(Quota())}
    takes, used = choose([["task", "a"], ["task", "b"], ["task", "b"], ["free"]], [9, 2, 9, 9], 100, uses)
    assert takes == [2, 2, 1, 9]
    assert (used["task"].room, used["a"].room, used["b"].room) == (0, 0, 6)
    assert choose([["free"], ["free"]], [3, 3], 4, uses)[0] == [3, 1]

"""self.add_to_chord(): a header grows while it runs, on both databases."""

import pytest

from sqlqueue import chord, group

PATIENCE = 30


def get(result):
    return result.get(timeout=PATIENCE)


def test_a_body_waits_for_what_its_members_have_added(running):
    add, grow, identity = running.add, running.grow, running.identity
    assert get(chord([grow.s(1, sig=add.s(10)), add.s(2)], identity.s()).delay()) == [1, 2, 10]
    deeper = grow.s(1, sig=grow.s(2, sig=add.s(1, 1) | add.s(1)))
    assert get(chord([deeper], identity.s()).delay()) == [1, 2, 3]
    assert get(chord([grow.s(1, sig=group(add.s(2), add.s(3)))], identity.s()).delay()) == [1, [2, 3]]


def test_many_members_may_add_at_a_time(running):
    width = 40
    header = [running.grow.s(n, sig=running.add.s(100, n)) for n in range(width)]
    found = get(chord(header, running.identity.s()).delay())
    assert found[:width] == list(range(width))
    assert sorted(found[width:]) == [100 + n for n in range(width)]


def test_what_is_added_and_fails_fails_the_chord(running):
    from sqlqueue import ChordError

    with pytest.raises(ChordError, match="boom"):
        get(chord([running.grow.s(1, sig=running.fail.s(message="boom"))], running.identity.s()).delay())


def test_a_job_of_no_chord_cannot_add(running):
    with pytest.raises(ValueError, match="not a member of a chord"):
        get(running.grow.delay(1, sig=running.add.s(1)))

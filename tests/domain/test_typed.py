"""What JSON has no word for: described in it, and back as it was; a user's own dict never taken for it."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlqueue.serialization.json import decode, encode

zones = st.none() | st.timezones().map(lambda _: dt.UTC) | st.just(dt.timezone(dt.timedelta(hours=5, minutes=30)))
hashable = (
    st.datetimes(timezones=zones) | st.dates() | st.times() | st.timedeltas() | st.uuids() | st.binary()
    | st.decimals(allow_nan=False) | st.integers()
)  # fmt: skip
names = st.sampled_from(["a", "$uuid", "$dict", "$set", "$", "$other"])
values = st.recursive(
    hashable | st.frozensets(hashable) | st.sets(hashable),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner, max_size=2),
    max_leaves=10,
)


@given(values)
def test_what_goes_in_comes_out_as_it_was(value):
    found = decode(encode(value))
    assert found == value
    assert type(found) is type(value)


@given(names, st.text(max_size=5) | st.integers() | st.lists(st.integers()))
def test_a_dict_that_looks_like_a_tag_stays_a_dict(name, content):
    if isinstance(content, str) and ("\0" in content or not content.isascii()):
        content = "x"
    assert decode(encode({name: content})) == {name: content}
    assert decode(encode([{name: {name: content}}])) == [{name: {name: content}}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), '{"$datetime":"2026-01-02T03:04:00+00:00"}'),
        (dt.date(2026, 1, 2), '{"$date":"2026-01-02"}'),
        (dt.timedelta(minutes=1, microseconds=5), '{"$timedelta":"60.000005"}'),
        (uuid.UUID(int=1), '{"$uuid":"00000000-0000-0000-0000-000000000001"}'),
        (decimal.Decimal("1.50"), '{"$decimal":"1.50"}'),
        (b"\x00\xff", '{"$bytes":"AP8="}'),
        ({3, 1, 2}, '{"$set":[1,2,3]}'),
        ({"$uuid": 1}, '{"$dict":{"$uuid":1}}'),
    ],
)
def test_the_text_is_readable(value, text):
    assert encode(value) == text


def test_sets_of_tuples_and_sets_within():
    value = {(1, (2, 3)), frozenset({1})}
    assert decode(encode(value)) == value


def test_an_unknown_tag_and_a_tag_among_others_are_data():
    assert decode('[{"$os.system":"true"},{"$uuid":1,"b":2}]') == [{"$os.system": "true"}, {"$uuid": 1, "b": 2}]


def test_a_tag_with_nonsense_is_an_error():
    with pytest.raises(ValueError):
        decode('{"$uuid":"no"}')


def test_text_that_somebody_else_wrote_with_blanks():
    assert decode(' { "$date" : "2026-01-02" } ') == dt.date(2026, 1, 2)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    when: dt.date


def test_enums_and_dataclasses_are_their_plain_values():
    value = {"colour": Colour.RED, "points": [Point(1, dt.date(2026, 1, 2))]}
    assert json.loads(encode(value)) == {"colour": "red", "points": [{"x": 1, "when": {"$date": "2026-01-02"}}]}
    assert decode(encode(value)) == {"colour": "red", "points": [{"x": 1, "when": dt.date(2026, 1, 2)}]}

"""Strict JSON: what is accepted comes back equal; the rest is refused, with the path to it."""

import enum
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlqueue.domain.sizes import USUAL
from sqlqueue.errors import EncodingError
from sqlqueue.serialization.json import decode, encode
from sqlqueue.serialization.typed import MAX_DEPTH

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=20)


@given(values)
def test_what_goes_in_comes_out(value):
    found = decode(encode(value))
    assert found == value
    assert repr(found) == repr(value)  # 1 is not 1.0 and not True


@given(values)
def test_the_text_is_json_that_both_databases_take(value):
    written = encode(value)
    assert "\0" not in written
    assert not any(character in written for character in map(chr, range(32)))
    assert json.loads(written) == escaped(value)


def escaped(value):
    """Return the value as SQL sees it: a dict that could be taken for a typed value is marked as a plain one."""
    match value:
        case list():
            return [escaped(item) for item in value]
        case dict():
            found = {key: escaped(item) for key, item in value.items()}
            return {"$dict": found} if len(found) == 1 and next(iter(found)).startswith("$") else found
        case _:
            return value


def test_a_plain_dict_with_a_typed_values_key_is_marked():
    """What the property above meets once in thousands of values."""
    for value in ({"$": None}, [{"a": {"$uuid": {"$": 1}}}], {"$a": 1, "b": 2}):
        assert json.loads(encode(value)) == escaped(value)
        assert decode(encode(value)) == value


@given(st.text())
def test_any_text_is_stored_or_refused_by_name(value):
    broken = "\0" in value or any("\ud800" <= character <= "\udfff" for character in value)
    if broken:
        with pytest.raises(EncodingError, match=r"args\[0\]"):
            encode([value], "args")
        with pytest.raises(EncodingError, match="a key of args"):
            encode({value: 1}, "args")
    else:
        assert decode(encode(value)) == value


def agrees_with_the_standard_library(written):
    try:
        wanted = json.loads(written)
    except ValueError:
        with pytest.raises(ValueError):
            decode(written)
    else:
        assert repr(decode(written)) == repr(wanted)


@given(st.text(max_size=60))
def test_decode_takes_what_the_standard_library_takes(written):
    agrees_with_the_standard_library(written)


@pytest.mark.parametrize("written", [" 1 ", "[1] ", "\n{}", "1 2", "", " ", "[1", '"a', "tru", "nul", "1e5", "-"])
def test_decode_of_odd_text(written):
    agrees_with_the_standard_library(written)


class Thing:
    pass


REFUSED = {
    "NUL": ("a\0b", "NUL character"),
    "lone surrogate": ("\ud800", "lone surrogate"),
    "nan": (math.nan, "is nan"),
    "infinity": (math.inf, "is inf"),
    "minus infinity": (-math.inf, "is -inf"),
    "class": (Thing, "of type type"),
    "complex": (1j, "complex"),
    "set of what cannot be stored": ({Thing()}, "Thing"),
    "object": (Thing(), "Thing"),
    "generator": ((n for n in (1,)), "generator"),
    "int of too many digits": (10**5000, "too many digits"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_stored_is_refused_with_path_and_advice(name):
    value, words = REFUSED[name]
    places = {r"args\[1\]\[0\]": [0, [value]], r"args\.a\.b\[0\]": {"a": {"b": [value]}}, "args": value}
    for path, wrapped in places.items():
        with pytest.raises(EncodingError, match=f"{path}.*{words}"):
            encode(wrapped, "args")


@pytest.mark.parametrize("key", [1, 1.5, None, True, (1, 2), b"x"])
def test_keys_are_strings(key):
    with pytest.raises(EncodingError, match=r"kwargs\.options has the key .*str\(key\)"):
        encode({"options": {key: 1}}, "kwargs")


def nested(depth, leaf):
    for _ in range(depth):
        leaf = [leaf]
    return leaf


def test_depth_has_an_end():
    assert decode(encode(nested(MAX_DEPTH, 1))) == nested(MAX_DEPTH, 1)
    with pytest.raises(EncodingError, match=r"args\[0\].* nested deeper than"):
        encode(nested(MAX_DEPTH + 1, 1), "args")


def test_what_contains_itself_is_refused():
    itself: list = []
    itself += [1, itself]
    with pytest.raises(EncodingError, match=r"args\[1\].*contains itself"):
        encode(itself, "args")
    loop: dict = {"x": {}}
    loop["x"]["back"] = loop
    with pytest.raises(EncodingError, match=r"kwargs\.x\.back.*contains itself"):
        encode(loop, "kwargs")


@pytest.mark.parametrize("character", ["a", "ä", "雪", "\U0001f600", "\n"])
def test_size_is_counted_in_bytes_as_written(character):
    most = (USUAL - 2) // len(json.dumps(character, ensure_ascii=False).encode()[1:-1])
    assert decode(encode(character * most)) == character * most
    with pytest.raises(EncodingError, match=r"args is 1,0.* bytes as JSON, more than 1,048,576"):
        encode(character * (most + 1), "args")


def test_tuples_are_arrays_and_named_strings_are_strings():
    class Kind(enum.StrEnum):
        A = "a"

    class Number(enum.IntEnum):
        ONE = 1

    assert encode((1, (2,))) == "[1,[2]]"
    assert encode([Kind.A, Number.ONE, {Kind.A: Number.ONE}]) == '["a",1,{"a":1}]'


@given(st.integers(-(1 << 70), 1 << 70))
def test_integers_are_exact(value):
    assert decode(encode(value)) == value


def test_a_list_that_holds_itself_many_times_over_is_refused_quickly():
    value: list = [1]
    for _ in range(40):
        value = [value, value]
    with pytest.raises(EncodingError, match="too many values"):
        encode(value, "args")

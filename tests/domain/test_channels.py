"""What is said on a channel is understood; what nobody said is passed over."""

from hypothesis import example, given
from hypothesis import strategies as st

from sqlqueue.notify.channels import (
    MAX_NAME,
    MAX_PAYLOAD,
    News,
    merge,
    queue_channel,
    queue_news,
    read_news,
    results_channel,
    write_ids,
    write_news,
)  # fmt: skip
from sqlqueue.store.rows import Placed

priorities = st.integers(-32768, 32767)
seqs = st.integers(-(1 << 63), (1 << 63) - 1)
news = st.builds(News, st.dictionaries(priorities, seqs, max_size=100), st.booleans())
queues = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=255)


@given(news)
def test_news_is_read_as_it_was_written(said):
    assert read_news(write_news(said)) == said


def test_news_of_more_lanes_than_fit_still_says_that_jobs_are_due():
    said = News(dict.fromkeys(range(-2000, 2000), 1 << 60), scheduled=True)
    payload = write_news(said)
    heard = read_news(payload)
    assert len(payload.encode()) <= MAX_PAYLOAD
    assert heard.scheduled
    assert heard.lanes.items() <= said.lanes.items()
    assert 1999 in heard.lanes  # the most urgent go first
    assert len(heard.lanes) > 200


@given(st.text())
@example("--5:3")
@example("5:--3 due")
@example("-:- :: due: 5:")
@example("7" * 5000 + ":1")
@example("1:" + "9" * 5000)
@example("²:1")
def test_anything_may_be_heard(payload):
    heard = read_news(payload)
    assert isinstance(heard, News)


def test_words_that_cannot_be_read_are_passed_over():
    assert read_news("x 5:7 :3 due 4: --1:2 0:-9") == News({5: 7, 0: -9}, scheduled=True)


@given(news, news)
def test_merged_news_says_what_both_say(one, other):
    merged = merge(one, other)
    assert merged.lanes.keys() == one.lanes.keys() | other.lanes.keys()
    for priority, seq in merged.lanes.items():
        assert seq == min(said.lanes[priority] for said in (one, other) if priority in said.lanes)
    assert merged.scheduled == (one.scheduled or other.scheduled)


@given(st.lists(st.builds(Placed, st.just("x"), st.sampled_from("ab"), st.integers(0, 2), st.none() | seqs)))
def test_news_of_a_queue_is_the_lowest_place_of_each_lane(placed):
    found = queue_news(placed)
    assert found.keys() == {one.queue for one in placed}
    for queue, said in found.items():
        mine = [one for one in placed if one.queue == queue]
        assert said.scheduled == any(one.seq is None for one in mine)
        lanes = {one.priority for one in mine if one.seq is not None}
        lowest = {p: min(one.seq for one in mine if one.priority == p and one.seq is not None) for p in lanes}
        assert said.lanes == lowest


@given(queues, queues, st.none() | queues)
def test_channels_are_short_and_one_for_each_queue(one, other, schema):
    names = {queue_channel(one, schema), queue_channel(other, schema)}
    assert all(len(name.encode()) <= MAX_NAME for name in names)
    assert (len(names) == 1) == (one == other)
    assert results_channel(schema) not in names


def test_schemas_have_channels_of_their_own():
    assert len({queue_channel("q", schema) for schema in (None, "a", "b")}) == 3
    assert len({results_channel(schema) for schema in (None, "a", "b")}) == 3


@given(
    st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=255), min_size=1, max_size=80)
)
def test_ids_are_told_whole_or_not_at_all(ids):
    payload = write_ids(ids)
    assert len(payload.encode()) <= MAX_PAYLOAD
    assert payload == "*" or payload.split() == ids


def test_an_id_with_a_space_is_not_told_in_parts():
    assert write_ids(["order 7"]) == "*"

"""How many jobs to claim: enough to keep the slots busy, no more than is about to run."""

from hypothesis import given
from hypothesis import strategies as st

from sqlqueue.worker.batching import AHEAD, GROWTH, LATELY, MOST, MOST_BYTES, MOST_HELD, Batching

concurrencies = st.integers(1, 200)
lessons = st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1e4)), max_size=20)


@given(concurrencies, lessons, st.integers(0, 1000))
def test_no_more_than_the_most_and_never_fewer_than_none(concurrency, lessons, load):
    batching = Batching(concurrency)
    for jobs, seconds in lessons:
        batching.learn(jobs, seconds)
    assert concurrency <= batching.target() <= concurrency + MOST_HELD
    assert 0 <= batching.wanted(load, 0.0) <= MOST
    assert load + batching.wanted(load, 0.0) <= max(batching.target(), load)


@given(concurrencies, lessons)
def test_an_empty_worker_always_wants_something(concurrency, lessons):
    batching = Batching(concurrency)
    for jobs, seconds in lessons:
        batching.learn(jobs, seconds)
    assert batching.wanted(0, 0.0) >= min(concurrency, MOST)


@given(concurrencies)
def test_before_it_knows_it_takes_one_for_each_slot(concurrency):
    assert Batching(concurrency).wanted(0, 0.0) == min(concurrency, MOST)


@given(concurrencies, st.floats(AHEAD * 1.001, 1e6))
def test_long_tasks_are_claimed_one_for_each_free_slot(concurrency, seconds):
    batching = Batching(concurrency)
    batching.learn(1000, 1000 * seconds)
    assert batching.target() <= concurrency + concurrency
    batching = Batching(1)
    batching.learn(1000, 1000 * seconds)
    assert (batching.wanted(0, 0.0), batching.wanted(1, 0.0)) == (1, 0)


@given(concurrencies, st.floats(1e-7, AHEAD))
def test_short_tasks_are_held_for_about_fifty_milliseconds(concurrency, seconds):
    batching = Batching(concurrency)
    batching.learn(1000, 1000 * seconds)
    waiting = batching.target() - concurrency
    assert waiting * seconds <= AHEAD * concurrency * 1.001
    assert waiting == MOST_HELD or (waiting + 1.001) * seconds >= AHEAD * concurrency * 0.999


def test_a_change_of_pace_is_learned():
    batching = Batching(1)
    for _ in range(50):
        batching.learn(1, 0.0001)
    assert batching.wanted(0, 0.0) > 100
    for _ in range(50):
        batching.learn(1, 1.0)
    assert batching.wanted(0, 0.0) == 1
    for _ in range(50):
        batching.learn(100, 0.01)
    assert batching.wanted(0, 0.0) > 100


@given(concurrencies, st.floats(0, 2 * LATELY), st.floats(0, 10 * LATELY))
def test_one_tiny_task_does_not_make_it_take_a_backlog(concurrency, before, after):
    batching = Batching(concurrency)
    batching.wanted(0, before)
    batching.learn(1, 0.00001)
    assert batching.wanted(0, before + after) <= min(concurrency + GROWTH, MOST)


@given(concurrencies, st.floats(0.0, 0.05))
def test_a_backlog_of_tiny_tasks_is_soon_claimed_in_full_batches(concurrency, cycle):
    batching, now, ended = Batching(concurrency), 100.0, 0
    for _ in range(12):
        batching.learn(ended, ended * 0.00001)
        ended = batching.wanted(0, now)
        now += cycle
    assert ended == MOST


@given(st.integers(1, 20), st.floats(0.0001, AHEAD), st.floats(0.001, LATELY / 2))
def test_what_is_held_is_bounded_by_the_work_and_not_by_the_caution(concurrency, seconds, cycle):
    """Slots that are always busy: each cycle as many jobs end as there was time for."""
    batching, now = Batching(concurrency), 100.0
    for _ in range(60):
        batching.wanted(0, now)
        ended = int(concurrency * cycle / seconds) or 1
        batching.learn(ended, ended * seconds)
        now += max(cycle, seconds * ended / concurrency)
    assert batching.target() - concurrency >= min(int(AHEAD * concurrency / seconds * 0.999), MOST_HELD)


def test_after_a_rest_it_is_careful_again():
    batching = Batching(1)
    batching.learn(1000, 0.01)
    assert batching.wanted(0, 0.5) == MOST
    assert batching.wanted(0, 0.5 + LATELY) == MOST
    assert batching.wanted(0, 0.5 + 2 * LATELY) == 1


def quick(concurrency):
    batching = Batching(concurrency)
    batching.learn(1000, 1000 * 0.000001)
    assert batching.wanted(0, 0.0) == MOST
    return batching


@given(st.integers(1, 20), st.integers(1, MOST), st.integers(1, 64 << 20))
def test_what_is_held_ahead_of_the_slots_fits_into_a_little_memory(concurrency, jobs, size):
    batching = quick(concurrency)
    batching.weigh(jobs, jobs * size)
    ahead = batching.target() - concurrency
    assert ahead * size <= MOST_BYTES
    assert ahead == MOST_HELD or (ahead + 1) * size > MOST_BYTES
    assert batching.wanted(0, 0.0) >= min(concurrency, MOST)


def test_small_jobs_after_large_ones_are_soon_claimed_in_full_batches():
    batching = quick(1)
    batching.weigh(1, 1 << 20)
    batching.weigh(0, 0)
    assert batching.wanted(0, 0.0) == 1 + (MOST_BYTES >> 20)
    for _ in range(20):
        batching.weigh(30, 30 * 100)
    assert batching.wanted(0, 0.0) == MOST

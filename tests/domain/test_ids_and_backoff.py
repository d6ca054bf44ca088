"""Ids are ordered in time, waits stay in their bounds."""

import os
import random
import uuid
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from sqlqueue.domain.backoff import Backoff
from sqlqueue.domain.clock import epoch_ns
from sqlqueue.domain.ids import AT_A_TIME, new_incarnation, new_job_id


def test_ids_are_valid_uuids_of_version_7():
    for text in (new_job_id() for _ in range(1000)):
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, text)


def test_ids_of_one_process_are_unique_and_in_order():
    ids = [new_job_id() for _ in range(20_000)]
    assert ids == sorted(set(ids))


def test_ids_of_many_threads_are_unique_and_in_order_in_each():
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: [new_job_id() for _ in range(2000)], range(8)))
    assert all(ids == sorted(ids) for ids in found)
    assert len({one for ids in found for one in ids}) == 16_000


def test_a_forked_child_has_random_bits_of_its_own():
    new_job_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, "".join(new_job_id()[19:] for _ in range(AT_A_TIME)).encode())
        os._exit(0)
    ours = {new_job_id()[19:] for _ in range(AT_A_TIME)}
    os.waitpid(child, 0)
    told = os.read(reader, 1 << 16).decode()
    theirs = {told[start : start + 17] for start in range(0, len(told), 17)}
    assert len(ours) == len(theirs) == AT_A_TIME
    assert not ours & theirs


def test_an_id_tells_the_millisecond_it_was_made():
    before = epoch_ns() // 1_000_000
    stamp = uuid.UUID(new_job_id()).int >> 80
    assert before <= stamp <= epoch_ns() // 1_000_000 + 50  # a burst of ids may run ahead of the clock


def test_incarnations_are_random():
    assert len({new_incarnation() for _ in range(1000)}) == 1000
    assert uuid.UUID(new_incarnation()).version == 4


first = st.floats(1.0, 1e4)
most = st.floats(0.0, 1e6)


@given(first, most, st.integers(0, 10_000), st.integers())
def test_a_wait_is_never_longer_than_the_cap_nor_negative(first, most, retries, seed):
    for jitter in (True, False):
        assert 0.0 <= Backoff(first, most, jitter).delay(retries, random.Random(seed)) <= most


@given(first, st.integers(0, 20))
def test_without_jitter_each_wait_doubles(first, retries):
    backoff, chance = Backoff(first, 1e12, jitter=False), random.Random(0)
    assert backoff.delay(retries, chance) == first * 2**retries
    assert backoff.delay(retries + 1, chance) == 2 * backoff.delay(retries, chance)


def test_jitter_uses_the_whole_range_and_the_chance_given():
    backoff = Backoff(8.0, 600.0)
    waits = [backoff.delay(0, chance) for chance in [random.Random(1)] for _ in range(500)]
    assert min(waits) < 1.0
    assert max(waits) > 7.0
    assert backoff.delay(3, random.Random(7)) == backoff.delay(3, random.Random(7))

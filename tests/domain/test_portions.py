"""portions: what is written is cut into parts that a statement can carry, and nothing is left out."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlqueue.domain import sizes
from sqlqueue.domain.sizes import AT_ONCE, portions


@given(st.lists(st.sampled_from([0, 1, AT_ONCE // 3, AT_ONCE // 2, AT_ONCE, 3 * AT_ONCE])), st.integers(1, 5))
def test_each_part_is_small_or_one_value_and_all_of_them_are_the_whole(lengths, most):
    values = list(enumerate(lengths))
    parts = portions(values, lengths, most)
    assert [value for part in parts for value in part] == values
    for part in parts:
        assert 0 < len(part) <= most
        assert len(part) == 1 or sum(size for _, size in part) <= AT_ONCE
    for one, after in itertools.pairwise(parts):
        whole = len(one) == most or sum(size for _, size in one) + after[0][1] > AT_ONCE
        assert whole, "no more parts than are needed"


def test_what_fits_is_not_copied():
    values = [1, 2, 3]
    assert portions(values, values, 3)[0] is values
    assert portions([], [], 3) == []


def test_a_statement_of_the_worst_characters_is_one_that_both_databases_take():
    """One of four bytes is two escapes of six; the first value is at most as large as a limit can be set."""
    worst = len('"\\ud83d\\ude00"') - 2
    assert AT_ONCE * worst + sizes.MOST // 4 * worst < 1_000_000_000


@pytest.mark.parametrize("most", [1, 2])
def test_a_number_is_a_bound_too(most):
    assert [len(part) for part in portions(range(4), [0] * 4, most)] == [most] * (4 // most)

"""What is committed of Celery's own tests: all of them, with a reason for each that does not pass."""

from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

SUITE = Path(__file__).parents[1] / "celery_suite"
ITEMS, AT_LEAST, QUICK = 316, 280, 60
PASSED = {"passed", "xpassed"}  # that Celery's authors expect a test to fail does not mean that it must


def outcome(name):
    lines = (SUITE / f"outcome.{name}.txt").read_text().splitlines()
    return {line.split("  # ")[0].split(maxsplit=1)[1]: line.split()[0] for line in lines if not line.startswith("#")}


FOUND = {name: outcome(name) for name in ("sqlite", "postgres")}


@pytest.mark.parametrize("name", FOUND)
def test_every_test_has_an_outcome_and_enough_pass(name):
    counts = Counter(FOUND[name].values())
    assert len(FOUND[name]) == ITEMS
    assert counts["passed"] >= AT_LEAST


def test_the_quick_part_is_large_and_names_what_passes_on_every_database():
    lines = (SUITE / "quick.txt").read_text().splitlines()
    items = [line for line in lines if not line.startswith("#")]
    assert len(set(items)) == len(items) >= QUICK
    assert {one.partition("::")[0] for one in items} == {"test_tasks.py", "test_canvas.py", "test_inspect.py"}
    assert {found[one] for found in FOUND.values() for one in items} == {"passed"}


def test_every_test_that_does_not_pass_is_explained():
    lines = (SUITE / "reasons.txt").read_text().splitlines()
    patterns = [line.split("\t")[0] for line in lines if not line.startswith("#")]
    left = [test for found in FOUND.values() for test, word in found.items() if word not in PASSED]
    assert [test for test in left if not any(fnmatchcase(test, pattern) for pattern in patterns)] == []
    assert [one for one in patterns if not any(fnmatchcase(test, one) for test in left)] == []

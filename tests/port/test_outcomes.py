"""What is committed of Celery's own tests: all of them, with a reason for each that does not pass."""

import json
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.celery_suite import quick
from tests.celery_suite.run import outcomes

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


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["passed", "passed", "passed"], "passed"),
        (["skipped", "passed"], "skipped"),
        (["passed", "skipped", "passed"], "skipped"),
        (["passed", "passed", "failed"], "failed"),
        (["skipped", "failed"], "failed"),
        (["passed", "xfailed"], "xfailed"),
    ],
)
def test_a_test_has_passed_when_every_part_of_it_has(tmp_path, words, word):
    record = tmp_path / "record.jsonl"
    record.write_text(
        "".join(json.dumps({"test": "t/integration/x.py::y", "word": one, "why": ""}) + "\n" for one in words)
    )
    assert outcomes(record) == {"x.py::y": (word, "")}


@pytest.mark.parametrize(
    ("failing", "tries", "good"),
    [([0], 1, True), ([2, 1, 0], 3, True), ([5, 5, 5], 3, False), ([1, 1, 1], 3, False), ([6], 1, False)],
)
def test_few_failures_of_the_quick_part_are_run_again_twice_and_no_more(monkeypatch, capsys, failing, tries, good):
    asked = []

    def attempt(db, suite, items):
        asked.append(items)
        return dict.fromkeys(items[: failing[len(asked) - 1]], "failed")

    monkeypatch.setattr(quick, "attempt", attempt)
    assert quick.judge("sqlite", SUITE) is good
    assert [len(items) for items in asked] == [len(quick.chosen("sqlite")), *failing][:tries]
    assert len(asked) == tries
    told = capsys.readouterr().out
    assert told.count("run again") == tries - 1
    assert ("did not pass now" in told) is not good

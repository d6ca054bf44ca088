"""docs/celery-features.md: each row says what Celery's feature is here, and names the test that shows it."""

import re

import pytest

from tests.support import gates
from tests.support.fixtures import runs_on_every_database
from tests.support.pages import page

ROW = re.compile(r"^\| (.+?) \| ([a-z ]+) \| (.*?) ?\| ?(?:\[`(\w+)`\]\(\.\./([\w/]+\.py)\))? ?\|$", re.MULTILINE)
VERDICTS = {"supported", "mapped", "differs", "without effect", "refused", "not needed", "not yet"}
HEAD = "here"

ROWS = [found for found in ROW.findall(page("docs/celery-features.md")) if found[1] != HEAD]

PURE = "compares names or values; nothing of it is sent"

WITHOUT_DATABASE = {
    "test_a_visitor_says_what_each_part_is": "what is sent is looked at; that stamps arrive is the row of stamps",
    "test_every_name_of_celerys_exceptions": PURE,
    "test_a_source_that_is_not_there": PURE,
    "test_settings_of_a_project": PURE,
    "test_asking_the_settings": PURE,
    "test_defaults_are_for_what_nobody_has_said": PURE,
    "test_an_old_name_is_the_same_setting": PURE,
    "test_where_the_environment_says_the_broker_is": PURE,
    "test_the_app_of_code_that_has_none": PURE,
    "test_every_setting_is_in_one_list": PURE,
    "test_a_task_has_the_names_of_its_function_and_may_be_wrapped": PURE,
    "test_what_celerys_command_line_reads": "words are made of words; that a worker reads them is shown in acceptance",
    "test_spans_of_time_and_what_is_nothing_in_celery": PURE,
}
"""Tests behind supported rows that need no database, or choose their own, and why."""


def test_every_row_is_read():
    lines = [line for line in page("docs/celery-features.md").splitlines() if line.startswith("| ")]
    assert len(ROWS) == len([line for line in lines if not line.startswith("| what |")]) > 60


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_names_its_test(row):
    what, verdict, _, name, path = row
    assert verdict in VERDICTS
    assert name or verdict != "supported", f"{what} is said to be supported: by which test?"
    if name:
        assert re.search(rf"^(async )?def {name}\(", gates.read(path), re.MULTILINE), f"{path} has no {name}"
    if verdict == "supported" and name not in WITHOUT_DATABASE:
        assert runs_on_every_database(path, name), f"{path}::{name} runs on one database, or on none: say why here"


def test_every_exception_is_needed():
    needed = {
        name for _, verdict, _, name, path in ROWS if verdict == "supported" and not runs_on_every_database(path, name)
    }
    assert needed == set(WITHOUT_DATABASE)


def test_the_rule_can_fail():
    assert runs_on_every_database("tests/contract/test_calling.py", "test_a_route")
    assert runs_on_every_database("tests/port/test_celery.py", "test_a_worker_answers_and_logs_in_celerys_words")
    assert not runs_on_every_database("tests/domain/test_config.py", "test_old_and_new_names_mixed")
    assert not runs_on_every_database("tests/plans/test_plans.py", "test_finish_finds_its_rows_by_id")

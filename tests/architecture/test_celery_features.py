"""docs/celery-features.md: each row says what Celery's feature is here, and names the test that shows it."""

import re

import pytest

from tests.support import gates
from tests.support.pages import page

ROW = re.compile(r"^\| (.+?) \| ([a-z ]+) \| (.*?) ?\| ?(?:\[`(\w+)`\]\(\.\./([\w/]+\.py)\))? ?\|$", re.MULTILINE)
VERDICTS = {"supported", "mapped", "differs", "without effect", "refused", "not needed", "not yet"}
HEAD = "here"

ROWS = [found for found in ROW.findall(page("docs/celery-features.md")) if found[1] != HEAD]


def test_every_row_is_read():
    lines = [line for line in page("docs/celery-features.md").splitlines() if line.startswith("| ")]
    assert len(ROWS) == len([line for line in lines if not line.startswith("| what |")]) > 60


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_names_its_test(row):
    what, verdict, _, name, path = row
    assert verdict in VERDICTS
    assert name or verdict != "supported", f"{what} is said to be supported: by which test?"
    if name:
        assert f"def {name}(" in gates.read(path)

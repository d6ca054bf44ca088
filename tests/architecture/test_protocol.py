"""The page of rules names tests that exist."""

import re

import pytest

from tests.support import gates, pages

NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", pages.page("docs/protocol.md"))))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_what_the_page_names_is_there(path, name):
    assert (gates.ROOT / path).exists()
    assert not name or f"def {name}(" in gates.read(path)


def test_every_rule_names_a_test():
    rows = pages.table_rows(pages.page("docs/protocol.md"))
    assert len(rows) >= 18
    assert [row[0] for row in rows if "`tests/" not in row[2]] == []

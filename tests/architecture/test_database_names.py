"""Outside the store no file names a database: what differs between them is said once, in a dialect."""

import pytest

from tests.support import gates

# Where a database may be named, and why.
ROOMS = {
    "sqlqueue/store/": "the dialects live here",
    "sqlqueue/notify/": "each database has its own way of waking a sleeper",
    "sqlqueue/testing/": "starts a server",
    "sqlqueue/cli/": "speaks to a person about their database",
    "sqlqueue/config.py": "reads the database's URL",
    "sqlqueue/celery/app/brokers.py": "reads the same URL in Celery's spellings",
    "sqlqueue/client/bind.py": "tells the user's connections apart",
}
# path -> the reason why this one file may.
EXCEPTIONS: dict[str, str] = {}

ALLOWED = (*ROOMS, *EXCEPTIONS)
ELSEWHERE = [path for path in gates.python_files("sqlqueue") if not path.startswith(ALLOWED)]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_no_database_is_named(path):
    assert list(gates.names_no_database(gates.read(path))) == []


def test_every_exception_is_still_needed():
    assert [path for path in EXCEPTIONS if not list(gates.names_no_database(gates.read(path)))] == []

"""A web process that only enqueues must not pay for a worker; `--help` must not pay for a migration."""

import json
import subprocess
import sys

import pytest

from tests.support import gates

ENQUEUE_ONLY = "import sqlqueue"
HELP = """
import runpy, sys
sys.argv = ["sqlqueue", "--help"]
try:
    runpy.run_module("sqlqueue", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
"""
TELL = """
import json, sys
print()
print(json.dumps(sorted(sys.modules)))
"""


def modules_after(code: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", code + TELL], cwd=gates.ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("code", "room", "heavy"),
    [
        (ENQUEUE_ONLY, "sqlqueue", {"alembic", "click", "psycopg", "sqlqueue.worker", "sqlqueue.cli"}),
        (HELP, "sqlqueue.cli", {"alembic"}),
    ],
    ids=["import sqlqueue", "sqlqueue --help"],
)
def test_heavy_modules_stay_out(code, room, heavy):
    loaded = modules_after(code)
    assert room in loaded
    assert heavy & set(loaded) == set()

"""The public API as a type checker sees it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SHAPES = Path(__file__).with_name("shapes.py")
FOUND = re.compile(r"shapes\.py:(\d+): error: .*\[([a-z-]+)\]$", re.MULTILINE)
EXPECTED = re.compile(r"# E: ([a-z|-]+)$")


def test_every_shape_of_task():
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", str(SHAPES)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {int(line): code for line, code in FOUND.findall(run.stdout)}
    expected = {
        number: match[1].split("|")
        for number, line in enumerate(SHAPES.read_text().splitlines(), 1)
        if (match := EXPECTED.search(line))
    }
    assert len(expected) >= 8
    assert found.keys() == expected.keys(), run.stdout
    for line, code in found.items():
        assert code in expected[line], run.stdout

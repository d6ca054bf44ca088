"""A plugin of pytest: one timeout for every test, and a line for what came of each, written as soon as it is known."""

import json
import os

import pytest

FILE = os.environ.get("SUITE_RECORD", "record.jsonl")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The tests allow themselves five minutes each."""
    for item in items:
        for node in item.listchain():
            node.own_markers[:] = [mark for mark in node.own_markers if mark.name != "timeout"]


def pytest_runtest_logreport(report):
    """Write what one phase of a test, or one part of it, came to."""
    word = report.outcome
    if hasattr(report, "wasxfail"):
        word = "xfailed" if report.skipped else "xpassed"
    why = ""
    if report.skipped and isinstance(report.longrepr, tuple):
        why = str(report.longrepr[2])
    elif report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message if crash is not None else str(report.longrepr)
    line = {"test": report.nodeid, "when": report.when, "word": word, "why": why, "seconds": report.duration}
    with open(FILE, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")

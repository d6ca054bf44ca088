"""The house rules, as tests. Gate the tails: averages hide everything.

A gate that makes a piece of code worse is wrong for that piece: list it in EXCEPTIONS, with the reason.
"""

import pytest

from tests.support import gates

# (gate, path, what) -> the reason. `what` is the function or class, as the failure names it; "" for a file.
EXCEPTIONS: dict[tuple[str, str, str], str] = {
    ("file_is_short", "migrations/versions/0001_jobs_and_results.py", ""): "SQL text, one revision until a release",
}

# Celery's own have more methods, and a user who comes from there must find them.
MAY_HAVE_MANY_METHODS = {"SQLQueue", "Celery", "Task", "AsyncResult", "Signature"}

HOUSE = gates.python_files("sqlqueue")
EVERYTHING = gates.python_files("sqlqueue", "migrations", "tests", "benchmarks", "examples")


def complaints(gate: gates.Gate, path: str) -> dict[str, str]:
    found = dict(gate(gates.read(path)))
    return {what: why for what, why in found.items() if (gate.__name__, path, what) not in EXCEPTIONS}


@pytest.mark.parametrize("path", EVERYTHING)
def test_rooms_are_small(path):
    assert complaints(gates.file_is_short, path) == {}


@pytest.mark.parametrize("path", EVERYTHING)
def test_functions_fit_on_a_screen(path):
    assert complaints(gates.functions_fit_on_a_screen, path) == {}


@pytest.mark.parametrize("path", HOUSE)
def test_functions_ask_for_little(path):
    assert complaints(gates.functions_ask_for_little, path) == {}


@pytest.mark.parametrize("path", HOUSE)
def test_no_class_is_a_god(path):
    assert complaints(gates.classes_are_no_gods, path).keys() <= MAY_HAVE_MANY_METHODS


# Commands and integrations import their room when they are called.
EAGER = [path for path in HOUSE if path.split("/")[1] not in {"cli", "contrib"}]


@pytest.mark.parametrize("path", EAGER)
def test_imports_of_our_own_stand_at_the_top(path):
    assert complaints(gates.imports_stand_at_the_top, path) == {}


def test_every_exception_is_still_needed():
    idle = [
        exception
        for exception in EXCEPTIONS
        if exception[2] not in dict(getattr(gates, exception[0])(gates.read(exception[1])))
    ]
    assert idle == []

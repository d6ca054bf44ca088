"""Exceptions as data and back; nothing that data names is ever imported."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlqueue.domain.outcome import Failure
from sqlqueue.errors import TaskFailed
from sqlqueue.serialization.failures import MAX_MESSAGE, MAX_TRACEBACK, describe, restore
from sqlqueue.serialization.typed import MAX_DEPTH


class OwnError(Exception):
    class Inner(ValueError):
        pass


class Picky(Exception):
    def __init__(self, code, *, strict):
        super().__init__(code)


class Formatted(Exception):
    def __init__(self, what, number):
        super().__init__(f"{what}-{number}")


class Coded(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code


class Silent(Exception):
    def __init__(self):
        super().__init__("odd")


class Quoting(Exception):
    def __init__(self, inner):
        self.inner = inner

    def __str__(self):
        return f"it said {self.inner!r}"


class Unmakeable(Exception):
    def __new__(cls, code, *, strict):
        return super().__new__(cls, code)

    def __init__(self, code, *, strict):
        super().__init__(code)


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def described(error):
    """Return what a worker would keep of a raised error."""
    try:
        raise error  # noqa: TRY301 - a traceback is wanted
    except BaseException as caught:
        return describe(caught)


def round_trip(error):
    failure = described(error)
    assert json.loads(failure.exception)
    return restore(failure.exception, failure.error)


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), KeyError("k"), OSError(2, "gone"), ZeroDivisionError(),
     ValueError("a: b", 1, None, [1, {"x": "ä"}])],
)  # fmt: skip
def test_a_builtin_comes_back_as_itself(error):
    found = round_trip(error)
    assert (type(found), found.args, str(found)) == (type(error), error.args, str(error))


def test_a_class_that_is_imported_here_comes_back_as_itself():
    assert __name__ in sys.modules
    for error in (OwnError("x", 1), OwnError.Inner("y")):
        found = round_trip(error)
        assert (type(found), found.args) == (type(error), error.args)


def test_a_class_that_is_not_imported_here_is_told_in_words():
    failure = Failure("Trouble: bad: day", json.dumps({"module": "nowhere.at_all", "name": "Trouble", "args": [1]}))
    found = restore(failure.exception, failure.error)
    assert isinstance(found, TaskFailed)
    assert (found.name, found.message) == ("nowhere.at_all.Trouble", "bad: day")
    assert str(found) == "nowhere.at_all.Trouble: bad: day"


def test_no_module_is_imported_by_name(tmp_path, monkeypatch):
    (tmp_path / "trap_module.py").write_text("raise SystemExit('imported')\nclass Trap(Exception): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    found = restore(json.dumps({"module": "trap_module", "name": "Trap", "args": []}), "Trap: x")
    assert isinstance(found, TaskFailed)
    assert "trap_module" not in sys.modules


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"), ("builtins", "print"), ("builtins", "object"), ("builtins", "SystemExit"),
        ("builtins", "KeyboardInterrupt"), ("os", "system"), ("os", "path.join"), ("sys", "exit"),
        ("json", "decoder.JSONDecodeError"), ("builtins", "__dict__"), ("builtins", ""), ("", "ValueError"),
        ("builtins", "ValueError.__init__"), ("builtins", "f.<locals>.E"),
    ],
)  # fmt: skip
def test_only_an_exception_class_is_ever_called(module, name):
    found = restore(json.dumps({"module": module, "name": name, "args": ["echo pwned"]}), "X: words")
    assert isinstance(found, TaskFailed)


CUSTOM = {
    "another number of arguments": lambda: Formatted("x", 5),
    "words of its own": lambda: Coded(7),
    "no arguments": Silent,
    "a keyword": lambda: Picky("7", strict=True),
    "words that need an attribute": lambda: Quoting("inner"),
    "JSONDecodeError": lambda: caught(lambda: json.loads("{")),
    "FileNotFoundError": lambda: caught(Path("/nowhere/at/all").read_text),
    "UnicodeDecodeError": lambda: caught(b"\xff".decode),
}


def caught(call):
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("name", CUSTOM)
def test_a_class_whose_constructor_takes_something_else_comes_back_as_it_was(name):
    error = CUSTOM[name]()
    found = round_trip(error)
    assert type(found) is type(error)
    assert (str(found), vars(found)) == (str(error), vars(error))
    assert getattr(found, "filename", None) == getattr(error, "filename", None)


def test_notes_and_attributes_travel_as_far_as_json_can_hold_them():
    error: Any = ValueError("no")
    error.add_note("look at the manual")
    error.code, error.lock = 5, object()
    found: Any = round_trip(error)
    assert (found.__notes__, found.code, hasattr(found, "lock")) == (["look at the manual"], 5, False)
    error.add_note("\0\ud800")
    error.text = "x" * 2 * MAX_MESSAGE
    error.last = "y"
    kept = {"__notes__": ["look at the manual", "\\x00\\ud800"], "code": 5, "last": "y"}
    assert vars(round_trip(error)) == kept, "what is too much is left behind"


def test_what_no_constructor_makes_is_told_in_words():
    failure = described(Unmakeable("7", strict=True))
    found = restore(failure.exception, failure.error)
    assert isinstance(found, TaskFailed)
    assert (found.name.endswith("Unmakeable"), found.message) == (True, "7")


def test_an_exception_that_cannot_speak_is_described():
    failure = described(Unspeakable("x"))
    assert failure.error == "Unspeakable: <RuntimeError in __str__>"
    assert "test_failures.py" in failure.traceback


UNSTORABLE = {
    "object": object(), "complex": 1j, "nan": float("nan"), "NUL": "a\0b", "surrogate": "\ud800",
    "function": describe, "digits": 10**5000, "int keys": {1: 2},
}  # fmt: skip


@pytest.mark.parametrize("name", UNSTORABLE)
def test_arguments_that_json_cannot_hold_become_the_message(name):
    failure = described(ValueError("no", UNSTORABLE[name]))
    found = restore(failure.exception, failure.error)
    assert type(found) is ValueError
    assert found.args == (failure.error.removeprefix("ValueError: "),)
    assert "\0" not in failure.error + failure.traceback


@pytest.mark.parametrize("depth", [MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 5])
def test_deep_arguments_are_described_too(depth):
    deep: list = []
    for _ in range(depth):
        deep = [deep]
    assert described(ValueError(deep)).error.startswith("ValueError: [[[")


def test_an_exception_without_a_message():
    assert described(ValueError()).error == "ValueError"
    assert restore(None, "lost: x").args == ("lost: x",)
    assert isinstance(restore(None, None), TaskFailed)


def test_long_words_are_cut():
    failure = described(ValueError("x" * 100_000 + "end"))
    assert len(failure.error) <= MAX_MESSAGE + 20
    assert len(failure.exception) < 3 * MAX_MESSAGE
    assert len(failure.traceback) == MAX_TRACEBACK
    assert failure.traceback.rstrip().endswith("end")


def test_a_cause_is_in_the_traceback():
    def fail():
        try:
            raise KeyError("first")  # noqa: TRY301 - as above
        except KeyError as error:
            raise ValueError("second") from error

    with pytest.raises(ValueError) as caught:
        fail()
    assert "KeyError: 'first'" in str(describe(caught.value).traceback)


@given(st.lists(st.none() | st.integers() | st.text(), max_size=3))
def test_every_raised_error_can_be_stored_and_told(args):
    failure = described(ValueError(*args))
    for text in map(str, failure):
        assert "\0" not in text
        text.encode()
    assert isinstance(restore(failure.exception, failure.error), ValueError)

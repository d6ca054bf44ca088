"""Which fixtures a test asks for, directly and through others: read from the source, nothing is run."""

import ast
import functools
import pathlib

from tests.support.gates import ROOT

Function = ast.FunctionDef | ast.AsyncFunctionDef

ON_EVERY_DATABASE = frozenset({"database_url", "runner", "worker_runner"})
"""The fixtures that run a test once on each database."""


def runs_on_every_database(path: str, test: str) -> bool:
    """Tell whether a test asks, however indirectly, for a fixture that gives it each database in turn."""
    return bool(asked_for(path, test) & ON_EVERY_DATABASE)


def asked_for(path: str, test: str) -> set[str]:
    """Return the names of all fixtures that a test comes to: of its module, and of the conftests above it."""
    known = _fixtures_for(path)
    found: set[str] = set()
    left = _asked(_functions(path)[test])
    while left:
        name = left.pop()
        found.add(name)
        if name in known:
            left |= _asked(known[name]) - found
    return found


def _fixtures_for(path: str) -> dict[str, Function]:
    """Return the fixtures that a module sees by name; the nearest of one name wins."""
    folders = [folder for folder in reversed((ROOT / path).relative_to(ROOT).parents) if folder.name]
    files = [str(folder / "conftest.py") for folder in folders if (ROOT / folder / "conftest.py").exists()]
    return {name: one for file in (*files, path) for name, one in _functions(file).items() if _is_fixture(one)}


@functools.cache
def _functions(path: str) -> dict[str, Function]:
    tree = ast.parse((ROOT / pathlib.Path(path)).read_text(encoding="utf-8"))
    return {one.name: one for one in tree.body if isinstance(one, Function)}


def _is_fixture(function: Function) -> bool:
    return any("fixture" in ast.unparse(one) for one in function.decorator_list)


def _asked(function: Function) -> set[str]:
    """Return the parameters of a test or a fixture; values of `parametrize` are among them and are no fixtures."""
    arguments = function.args
    return {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}

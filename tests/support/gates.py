"""The gates on code, as functions from source text to complaints; tests/architecture holds the house to them.

A complaint is `(what, why)`: `what` names the function, class or line, `why` is for the reader of a failure.
"""

import ast
import io
import pathlib
import re
import tokenize
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = "sqlqueue"

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 8
MAX_METHODS = 20

DATABASE_NAMES = re.compile(r"sqlite|postgres|psycopg", re.IGNORECASE)

Complaint = tuple[str, str]
Gate = Callable[[str], Iterator[Complaint]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[str]:
    """Return the house's Python files as paths from its root, sorted."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in found)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def file_is_short(source: str) -> Iterator[Complaint]:
    lines = len(source.splitlines())
    if lines > MAX_FILE_LINES:
        yield "", f"{lines} lines, more than {MAX_FILE_LINES}"


def functions_fit_on_a_screen(source: str) -> Iterator[Complaint]:
    """Docstrings and SQL text (whatever stands in triple quotes) are not counted."""
    text = _lines_of_text(source)
    for name, function in _functions(source):
        own = set(range(function.lineno, (function.end_lineno or function.lineno) + 1))
        if len(own - text) > MAX_FUNCTION_LINES:
            yield name, f"{len(own - text)} lines, more than {MAX_FUNCTION_LINES}"


def functions_ask_for_little(source: str) -> Iterator[Complaint]:
    for name, function in _functions(source):
        arguments = function.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        asked = len(names) - (names[:1] in (["self"], ["cls"]))
        if asked > MAX_PARAMETERS:
            yield name, f"{asked} parameters, more than {MAX_PARAMETERS}"


def classes_are_no_gods(source: str) -> Iterator[Complaint]:
    """Overloads, properties and async twins (`aname` beside `name`) are not counted."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            methods = {n.name for n in node.body if isinstance(n, Function) and not _is_facet(n)}
            counted = {m for m in methods if not (m.startswith("a") and m[1:] in methods)}
            if len(counted) > MAX_METHODS:
                yield node.name, f"{len(counted)} methods, more than {MAX_METHODS}"


def imports_stand_at_the_top(source: str) -> Iterator[Complaint]:
    """Imports of our own package only: one inside a function hides a circle."""
    for name, function in _functions(source):
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [PACKAGE if node.level else node.module or ""]
            else:
                continue
            for module in modules:
                if module.split(".")[0] == PACKAGE:
                    yield name, f"imports {module} inside a function"


def names_no_database(source: str) -> Iterator[Complaint]:
    """Docstrings and comments may name one; names and other strings may not."""
    docstrings = _docstring_lines(source)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _SPOKEN and token.start[0] not in docstrings:
            for word in DATABASE_NAMES.findall(token.string):
                yield f"line {token.start[0]}", f"says {word}"


_SPOKEN = {
    tokenize.NAME,
    tokenize.STRING,
    getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING),  # since Python 3.12
}


def _functions(source: str) -> Iterator[tuple[str, Function]]:
    """Yield every function with the names of what it stands in: `Worker.run.inner`."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function | ast.ClassDef):
                name = f"{prefix}{child.name}"
                if isinstance(child, Function):
                    yield name, child
                yield from walk(child, f"{name}.")
            else:
                yield from walk(child, prefix)

    return walk(ast.parse(source), "")


def _is_facet(method: Function) -> bool:
    """Tell whether this is an overload or part of a property."""
    words = {part for d in method.decorator_list for part in ast.unparse(d).split("(")[0].split(".")}
    return bool(words & {"overload", "property", "cached_property", "setter", "deleter", "getter"})


def _lines_of_text(source: str) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING and token.string.lstrip("rRbBuU").startswith(('"""', "'''")):
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def _docstring_lines(source: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines

"""The pages say all that there is, and nothing that there is not: settings, commands, events, errors, pages."""

import importlib
import re
from dataclasses import fields
from typing import get_args

import click
import pytest

import sqlqueue
from sqlqueue import errors
from sqlqueue.cli import COMMANDS, main
from sqlqueue.config import Config
from sqlqueue.events import catalog
from sqlqueue.settings import names
from sqlqueue.tasks.options import TaskSettings
from sqlqueue.worker.control.table import COMMANDS as COMMANDS_TO_WORKERS
from tests.support import gates, pages

SETTINGS = pages.sections(pages.page("docs/settings.md"))
CLI = pages.sections(pages.page("docs/cli.md"))


def code(cell: str) -> str:
    """Return what stands in a cell's first backticks."""
    return re.findall(r"`([^`]+)`", cell)[0]


def test_every_setting_with_its_default_and_meaning():
    said = [tuple(row) for row in pages.table_rows(SETTINGS["Each setting"])]
    assert said == [(f"`{f.name}`", f"`{f.default!r}`", f.metadata["meaning"]) for f in fields(Config)]


def test_every_setting_without_effect_and_why():
    rows = pages.table_rows(SETTINGS["Names of Celery's that change nothing"])
    said = {why: re.findall(r"`(\w+)`", cell) for cell, why in rows}
    assert said == {why: known.split() for why, known in names.WITHOUT_EFFECT.items()}
    assert set(names.REASONS) & {f.name for f in fields(Config)} == set()


def test_every_refused_setting_and_what_instead():
    rows = pages.table_rows(SETTINGS["Names of Celery's that are refused"])
    said = {why: re.findall(r"`(\w+)`", cell) for cell, why in rows}
    assert said == {why: list(settings) for why, settings in names.REFUSED.values()}


def test_every_option_of_a_task():
    (paragraph,) = [text for text in pages.page("docs/settings.md").split("\n\n") if "@app.task(...)" in text]
    said = set(re.findall(r"`(\w+)`", paragraph))
    assert said == {f.name for f in fields(TaskSettings)} | {"bind"}


def test_every_command():
    assert sorted(CLI) == sorted(COMMANDS)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_option_of_a_command(name):
    command = importlib.import_module(f"sqlqueue.cli.{name}").command if name else main
    body = CLI[name] if name else pages.page("docs/cli.md").partition("\n## ")[0]
    said = {word for row in pages.table_rows(body) for word in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", row[0])}
    parts = command.commands.values() if name and isinstance(command, click.Group) else [command]
    options = [one for part in parts for one in part.params if isinstance(one, click.Option)]
    assert said == {word for one in options for word in (*one.opts, *one.secondary_opts)}


def test_every_command_to_workers():
    tables = pages.sections(pages.page("docs/remote-control.md"))
    rows = pages.table_rows(tables["Questions"]) + pages.table_rows(tables["Changes"])
    said = {word.split()[0] for row in rows for word in re.findall(r"`([^`]+)`", row[0])}
    assert said == COMMANDS_TO_WORKERS.keys()


def test_every_event_with_its_fields():
    said = [code(row[0]) for row in pages.table_rows(pages.sections(pages.page("docs/events.md"))["In one process"])]
    assert said == [f"{event.__name__}({', '.join(event._fields)})" for event in get_args(catalog.Event)]


def test_every_type_of_event_in_the_stream():
    rows = pages.table_rows(pages.page("docs/events.md").partition("## The stream")[2])
    said = {word for row in rows for word in re.findall(r"`([a-z]+-[a-z]+)`", row[0])}
    words = "".join(gates.read(path) for path in ("sqlqueue/events/stream.py", "sqlqueue/worker/stream.py"))
    words += gates.read("sqlqueue/client/dispatching.py")
    assert said == set(re.findall(r"\"((?:task|worker|events)-[a-z]+)\"", words))


def test_every_error():
    page = pages.page("docs/errors.md")
    own = [
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    assert [name for name in own if f"`{name}" not in page] == []


def test_errors_are_importable_from_where_the_page_says():
    page = pages.page("docs/errors.md")
    own = [
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    hidden = {name for name in own if name not in sqlqueue.__all__}
    roots = {name for name in hidden if re.search(rf"`{name}` and its kinds", page)}
    assert {name for name in hidden - roots if f"`{name}` (in `sqlqueue.errors`)" not in page} == set()


def test_every_message_is_one_that_the_code_says():
    """Up to its first gap, since what follows is filled in."""
    said = [re.split(r"\.\.\.|[A-Z]{4,}", cell)[0] for cell in quoted_messages(pages.page("docs/errors.md"))]
    code = "".join(gates.read(path) for path in gates.python_files("sqlqueue"))
    assert len(said) > 15
    assert [words for words in said if words.strip() not in code] == []


def quoted_messages(text: str) -> list[str]:
    """Return the messages of the tables: ``words`` or ``Error: words`` in a row's first cell."""
    found = [quote for row in pages.table_rows(text) for quote in re.findall(r"`([^`]+ [^`]+)`", row[0])]
    return [re.sub(r"^[A-Z]\w+Error: |^StoreUnavailable: ", "", quote) for quote in found]


def test_every_page_is_in_the_index():
    index = pages.page("docs/index.md")
    found = sorted(path.relative_to(pages.ROOT / "docs").as_posix() for path in (pages.ROOT / "docs").rglob("*.md"))
    assert [name for name in found if name != "index.md" and f"({name})" not in index] == []

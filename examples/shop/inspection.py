"""Asks the questions of docs/inspection.md, in the words that stand there, and prints the answers as tables."""

import json
import pathlib
import re
from datetime import UTC, datetime, timedelta
from numbers import Number
from typing import Any

from sqlalchemy import Engine

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "inspection.md"
QUESTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
QUERY = re.compile(r"^```sql *(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

WIDEST = 46  # characters of a cell; a longer one is cut
MOST_ROWS = 8


def questions(database: str) -> dict[str, str]:
    """Each question of the page and its SQL for ``database``, sqlite or postgresql."""
    page = PAGE.read_text(encoding="utf-8")
    return {
        title: next(sql for only, sql in QUERY.findall(section) if only in ("", database))
        for title, section in QUESTION.findall(page)
    }


def show(engine: Engine, *titles: str) -> None:
    """Ask some of the questions and print the answers."""
    known = questions(engine.dialect.name)
    for title in titles:
        with engine.connect() as connection:
            result = connection.exec_driver_sql(known[title])
            names, rows = list(result.keys()), [list(row) for row in result]
        print(f"\n   {title}")
        for line in table(names, rows) if rows else ["(nothing)"]:
            print(f"     {line}")


def table(names: list[str], rows: list[list[Any]]) -> list[str]:
    """Lay rows out in columns; the first few, and how many more there are."""
    shown = [[cell(name, value) for name, value in zip(names, row, strict=True)] for row in rows[:MOST_ROWS]]
    numeric = [all(isinstance(value, Number) for value in column) for column in zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in zip(names, *shown, strict=True)]

    def line(cells: list[str]) -> str:
        places = zip(cells, widths, numeric, strict=True)
        return "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in places)

    more = [f"... and {len(rows) - MOST_ROWS} more"] if len(rows) > MOST_ROWS else []
    return [text.rstrip() for text in (line(names), line(["-" * width for width in widths]), *map(line, shown), *more)]


def cell(name: str, value: Any) -> str:
    """Write a value short: the end of an id, the time of a moment, the start of a text."""
    if value is None:
        return ""
    if name == "id":
        return f"..{value[-6:]}"
    if name.endswith("_at") or name in ("next_try", "last_seen"):
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        near = abs(moment - datetime.now(UTC)) < timedelta(hours=12)
        return moment.astimezone().strftime("%H:%M:%S" if near else "%Y-%m-%d")
    text = json.dumps(value) if isinstance(value, list | dict) else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 2]}.."

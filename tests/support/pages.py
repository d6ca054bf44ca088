"""The docs as tests read them: their sections and their code."""

import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]

SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(\S*) *([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the words after it, its text."""

    language: str
    words: str
    text: str


def page(name: str) -> str:
    """Return a page by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str | None = None) -> list[Block]:
    """Return the fenced blocks of a text, of one language if given."""
    found = [Block(*groups) for groups in FENCE.findall(text)]
    return [block for block in found if language in (None, block.language)]


def sections(text: str) -> dict[str, str]:
    """Return the second-level headings of a text and what stands below each."""
    return dict(SECTION.findall(text))


def table_rows(text: str) -> list[list[str]]:
    """Return the cells of every table row of a text, without the heads and their rulers."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    rulers = {place for place, row in enumerate(rows) if all(set(cell) <= set("-:") for cell in row)}
    return [row for place, row in enumerate(rows) if place not in rulers and place + 1 not in rulers]

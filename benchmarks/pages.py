"""`python -m benchmarks.pages bench.json ...`: writes the figures of runs into docs/performance.md, draws the curves.

A section of the page stands between `<!-- bench: NAME [DATABASE] -->` and `<!-- end -->`, NAME being a measure, `rows`
(what is to be reached) or `run`. Of several files the last one that has a figure counts; a section of which no file has
any is left as it is.
"""

import json
import pathlib
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from .figures import number
from .peers import install
from .workers import ROOT

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "plots"
SECTION = re.compile(r"(<!-- bench: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SIDE_BY_SIDE = {"latency", "idle", "profile"}  # measures whose samples end in a pool's name: a column each
SHORT = {"postgres": "PostgreSQL", "sqlite": "SQLite", "python": "Python"}

TO = "\N{EN DASH}"

Document = Mapping[str, Any]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=pathlib.Path))
def main(files: Sequence[pathlib.Path]) -> None:
    """Write the figures of FILES, which `python -m benchmarks --json` made, into the page."""
    runs = [json.loads(file.read_text()) for file in files]
    PAGE.write_text(rewritten(PAGE.read_text(), runs))
    for file, run in zip(files, runs, strict=True):
        if any(figure["measure"] == "curves" for figure in run["figures"]):
            program = install.python("plots", ["matplotlib"])
            subprocess.run([program, ROOT / "benchmarks" / "plots.py", file, PLOTS], check=True)


def rewritten(page: str, runs: Sequence[Document]) -> str:
    """Return the page with the sections that the runs know."""
    figures = list({(f["database"], f["what"]): f for run in runs for f in run["figures"]}.values())
    rows = list({(row["database"], row["what"]): row for run in runs for row in run["rows"]}.values())

    def section(found: re.Match[str]) -> str:
        name, _, database = found[2].partition(" ")
        if name == "run":
            lines = _circumstances(runs)
        elif name == "rows":
            lines = _rows([row for row in rows if row["database"] == database])
        else:
            lines = _lines([f for f in figures if f["measure"] == name and database in (f["database"], "")], name)
        body = "\n".join(lines)
        return f"{found[1]}\n{body}\n\n{found[3]}" if body else found[0]

    return SECTION.sub(section, page)


def _lines(figures: Sequence[Document], name: str) -> Iterator[str]:
    if figures and name == "curves":
        yield "![Jobs a second against backlog, history, queues, workers and a held snapshot](plots/curves.svg)\n"
    yield from _pools(figures) if name in SIDE_BY_SIDE else _figures(figures)


def _circumstances(runs: Sequence[Document]) -> Iterator[str]:
    machine = runs[-1]["machine"]
    packages = ", ".join(f"{name} {machine[name]}" for name in ("psycopg", "sqlalchemy", "sqlqueue-jobs"))
    yield f"{machine['platform']}, {machine['processors']} processors; Python {machine['python']}, {packages}."
    titles = dict.fromkeys(title for run in runs for name, title in run["titles"].items() if name != "python")
    yield f"{'; '.join(titles)}.\n"
    yield "| measured | at (UTC) | commit | rounds | load of the machine before, after |"
    yield "|---|---|---|---|---|"
    for run in runs:
        measures = dict.fromkeys(f["measure"] for f in run["figures"])
        databases = "/".join(SHORT[name] for name in run["titles"] if name in SHORT and name != "python")
        load, rounds = run["load"], f"{run['rounds']}{', quick' if run['quick'] else ''}"
        when = run["started"][:16].replace("T", " ")
        loads = f"{load['before'][0]:.1f}, {load['after'][0]:.1f}"
        yield f"| {databases}: {', '.join(measures)} | {when} | `{run['commit']}` | {rounds} | {loads} |"


def _rows(rows: Sequence[Document]) -> Iterator[str]:
    if rows:
        yield f"| what | median (lowest {TO} highest) | at least | aim | reached |"
        yield "|---|---|---|---|---|"
    for row in rows:
        marks = f"{row['at_least']:g} {row['unit']} | {row['aim']:g} {row['unit']} | {row['verdict']}"
        yield f"| {row['what']} | {_spread(row)} {row['unit']} | {marks} |"


def _figures(figures: Sequence[Document]) -> Iterator[str]:
    if figures:
        yield f"| what | median (lowest {TO} highest) | compared with | ratio |"
        yield "|---|---|---|---|"
    for figure in figures:
        ratios = figure["ratios"]
        ratio = f"{figure['ratio']:.2f} ({min(ratios):.2f} {TO} {max(ratios):.2f})" if ratios else ""
        unit = figure["unit"] if figure["unit"] != "/s" else "a second"
        yield f"| {figure['what']} | {_spread(figure)} {unit} | {(figure['limit'] or '') if ratios else ''} | {ratio} |"


def _pools(figures: Sequence[Document]) -> Iterator[str]:
    """Yield a table with a column for each pool of each database."""
    cells: dict[str, dict[str, str]] = {}
    for figure in figures:
        what, _, pool = figure["what"].rpartition(", ")
        column = f"{SHORT[figure['database']]}, {pool}"
        cells.setdefault(f"{what}, {figure['unit']}", {})[column] = _spread(figure)
    columns = list(dict.fromkeys(column for row in cells.values() for column in row))
    if columns:
        yield f"| what | {' | '.join(columns)} |"
        yield f"|---|{'---|' * len(columns)}"
    for what, row in cells.items():
        yield f"| {what} | {' | '.join(row.get(column, '—') for column in columns)} |"


def _spread(figure: Document) -> str:
    values = figure["values"]
    if len(values) == 1:
        return number(figure["median"])
    return f"{number(figure['median'])} ({number(min(values))} {TO} {number(max(values))})"


if __name__ == "__main__":
    main()

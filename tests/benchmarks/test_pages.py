"""The figures of docs/performance.md are written by a program, and every figure has a place there."""

import re

from benchmarks import pages
from benchmarks.__main__ import NAMES
from tests.support.pages import page

ROW = {
    "what": "delay()",
    "database": "sqlite",
    "unit": "x",
    "at_least": 0.6,
    "aim": 0.8,
    "values": [0.7],
    "median": 0.7,
}


def figure(what, measure, database="sqlite", **more):
    return {
        "what": what, "measure": measure, "database": database, "unit": "ms", "values": [1.0, 3.0, 2.0],
        "median": 2.0, "limit": None, "ratio": None, "ratios": [], **more,
    }  # fmt: skip


def run(*figures):
    return {"figures": list(figures), "rows": [ROW | {"verdict": "at least"}]}


def test_a_section_gets_its_figures_and_what_is_around_it_stays():
    before = "a\n<!-- bench: wal sqlite -->\nold\n<!-- end -->\nb\n<!-- bench: rows sqlite -->\n<!-- end -->\n"
    after = pages.rewritten(before, [run(figure("WAL", "wal"))])
    assert after.startswith("a\n<!-- bench: wal sqlite -->\n\n| what |")
    assert "| WAL | 2.00 (1.00 \N{EN DASH} 3.00) ms |" in after
    assert "| delay() | 0.70 x | 0.6 x | 0.8 x | at least |" in after
    assert "old" not in after
    assert pages.rewritten(after, [run(figure("WAL", "wal"))]) == after


def test_a_section_that_was_not_measured_stays():
    before = "<!-- bench: wal postgres -->\nold\n<!-- end -->\n"
    assert pages.rewritten(before, [run(figure("WAL", "wal"))]) == before


def test_the_last_file_that_has_a_figure_counts():
    before = "<!-- bench: wal sqlite -->\n<!-- end -->\n"
    files = [run(figure("one", "wal"), figure("two", "wal", median=5.0)), run(figure("two", "wal", median=7.0)), run()]
    after = pages.rewritten(before, files)
    assert "| one | 2.00 (" in after
    assert "| two | 7.00 (" in after
    assert "5.00" not in after


def test_the_curves_come_with_their_picture():
    after = pages.rewritten("<!-- bench: curves -->\n<!-- end -->\n", [run(figure("backlog curve: 10", "curves"))])
    assert "](plots/curves.svg)\n" in after


def test_pools_stand_side_by_side():
    found = [
        figure("p50, solo", "latency"),
        figure("p50, solo", "latency", "postgres"),
        figure("p50, threads", "latency"),
    ]
    after = pages.rewritten("<!-- bench: latency -->\n<!-- end -->\n", [run(*found)])
    assert "| what | SQLite, solo | PostgreSQL, solo | SQLite, threads |" in after
    assert after.count("| p50, ms |") == 1


def test_every_measure_has_its_place_on_the_page():
    named = {name.split()[0] for name in re.findall(r"<!-- bench: ([\w ]+) -->", page("docs/performance.md"))}
    assert named == {*NAMES, "run", "rows"}

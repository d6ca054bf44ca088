"""The benchmarks measure what they say: their arithmetic, and a quick run of each measure. Nothing about time."""

import json
import subprocess
import sys

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.figures import Sample, figures, quantile
from benchmarks.filling import Pace
from benchmarks.targets import ROWS, outcomes
from tests.support import gates

PATIENCE = 280.0  # seconds; neighbours may use the machine

# Each measure on one database at least, and what it takes to see the rows that both have.
RUNS = {
    "sqlite": ["drain", "backlog", "scheduled", "latency", "enqueue"],
    "postgres": ["snapshot", "loaded", "lateness", "wal", "idle", "enqueue", "curves", "profile"],
}


# Peers are installed from package registries, which a test must not need.
NEEDS_A_REGISTRY = {"peers"}


def test_every_measure_is_run():
    assert {name for names in RUNS.values() for name in names} | {"imports"} == set(NAMES) - NEEDS_A_REGISTRY


@pytest.mark.timeout(PATIENCE + 20)
@pytest.mark.parametrize("database", RUNS)
def test_a_quick_run(database, tmp_path):
    file = tmp_path / "bench.json"
    words = [*RUNS[database], "imports", "--quick", "--rounds", "1", "--db", database, "--json", str(file)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=gates.ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(file.read_text())
    assert {figure["database"] for figure in found["figures"]} == {database, "python"}
    assert all(len(figure["values"]) == 1 for figure in found["figures"])
    assert {"aim", "at least", "short"} >= {row["verdict"] for row in found["rows"]} != set()


def test_a_ratio_is_the_median_of_the_rounds_own_ratios():
    rounds = [[Sample("raw", raw), Sample("ours", ours, limit="raw")] for raw, ours in ((100, 50), (200, 80), (10, 9))]
    raw, ours = figures({"db": rounds})
    assert (raw.values, raw.ratios, ours.values) == ([100, 200, 10], [], [50, 80, 9])
    assert ours.ratio == 0.5


def test_what_one_round_lacks_is_counted_in_the_others():
    (figure,) = figures({"db": [[], [Sample("late", 3.0, "ms")]]})
    assert (figure.values, figure.median) == ([3.0], 3.0)


def test_the_pace_leaves_out_the_warm_up_and_the_last_tenth():
    assert Pace([1, 5, 10, 10, 10, 2]).rate(skip=6) == 100
    assert Pace([1, 5, 10, 20, 10, 2]).rate(skip=6, seconds=0.2) == 150
    assert Pace([1, 5, 10, 20, 30, 2]).rate(skip=1, seconds=9) == (5 + 10 + 20 + 30) * 10 / 4


def test_a_quantile_is_one_of_the_values():
    assert [quantile(range(100), part) for part in (0.5, 0.99, 1.0)] == [50, 99, 99]


def test_more_is_better_or_less_is():
    rounds = {
        "postgres": [
            {"delay(), one commit each": 70.0, "raw insert, one commit each": 100.0, "WAL a job, bulk": bytes_}
            for bytes_ in (1200.0, 1299.0, 1400.0)
        ]
    }
    found = {one.row.what: one for one in outcomes(rounds)}
    assert {what: (one.median, one.verdict) for what, one in found.items()} == {
        "delay(), of a raw insert": (0.7, "at least"),
        "WAL a job, bulk": (1299.0, "at least"),
    }


def test_the_best_pool_is_looked_for_among_one_and_two_workers():
    samples = {
        "raw drain, 2 clients, batches of 500": 100.0,
        "drain, solo, 1 worker": 40.0,
        "drain, solo, 2 workers": 50.0,
        "drain, prefork, 1 worker": 30.0,
        "drain, none scheduled": 1000.0,
    }
    found = {one.row.what: one.median for one in outcomes({"postgres": [samples]})}
    assert found["drain, best pool, of the raw limit"] == 0.5
    assert found["drain, prefork, 1 worker, of our best pool's 1 worker"] == 0.75


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.database}: {row.what}")
def test_the_aim_is_not_below_the_least(row):
    assert row.aim <= row.at_least if row.less else row.aim >= row.at_least

"""`python -m benchmarks`: measures each thing several times beside the raw limit of the same run; prints, writes JSON.

Asserts that every result is there, and nothing about time.
"""

import datetime as dt
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import click

from . import burdens, curves, drain, enqueue, idle, latency, lateness, profile, wal
from .figures import Sample, document, figures, number, table
from .ground import Database, databases
from .peers import measure as peers
from .targets import Outcome, outcomes

MEASURES = {
    "drain": drain.measure,
    "peers": peers.measure,
    "backlog": burdens.measure_backlog,
    "snapshot": burdens.measure_snapshot,
    "scheduled": burdens.measure_scheduled,
    "loaded": burdens.measure_loaded,
    "enqueue": enqueue.measure,
    "latency": latency.measure,
    "lateness": lateness.measure,
    "wal": wal.measure,
    "idle": idle.measure,
    "curves": curves.measure,
    "profile": profile.measure,
}
NAMES = [*MEASURES, "imports"]
PYTHON = "python"  # where what has no database is counted

Samples = dict[str, list[list[Sample]]]  # of each database, those of each round


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--rounds", default=3, show_default=True, help="Times that each is measured.")
@click.option("--quick", is_flag=True, help="Short: to see that everything works, not how fast.")
@click.option("--db", default="sqlite,postgres", show_default=True, help="Databases, with commas.")
@click.option("--json", "file", type=click.Path(path_type=pathlib.Path), help="Where to write all samples.")
def main(names: Sequence[str], *, rounds: int, quick: bool, db: str, file: pathlib.Path | None) -> None:
    """Measure NAMES (default: all of them)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that workers and server end too
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages have theirs: users' processes compile nothing
    started, load = dt.datetime.now(dt.UTC), os.getloadavg()
    with databases(db.split(",")) as grounds:
        titles = {ground.name: ground.title for ground in grounds} | {PYTHON: "Python"}
        samples = _rounds(names or NAMES, grounds, rounds, quick=quick)
    found = figures(samples)
    rows = list(outcomes({name: [{s.what: s.value for s in one} for one in many] for name, many in samples.items()}))
    print("\n".join([*table(found, titles), *_contract(rows, titles)]))
    print(f"\nload of the machine: {load[0]:.2f} before, {os.getloadavg()[0]:.2f} after")
    if file is not None:
        circumstances = {
            "started": started.isoformat(),
            "commit": _commit(),
            "rounds": rounds,
            "quick": quick,
            "load": {"before": load, "after": os.getloadavg()},
            "titles": titles,
            "rows": [row.as_dict() for row in rows],
        }
        file.write_text(json.dumps(document(found, **circumstances), indent=2) + "\n")


def _rounds(names: Sequence[str], grounds: Sequence[Database], rounds: int, *, quick: bool) -> Samples:
    """Measure everything, then everything again: what disturbs the machine for a while spoils one round of each."""
    began, found = time.monotonic(), defaultdict[str, list[list[Sample]]](list)
    for round_ in range(rounds):
        for database, sample in _round(names, grounds, quick=quick):
            passed, value = f"{time.monotonic() - began:5.0f} s", f"{sample.value:,.2f} {sample.unit}"
            print(f"{passed}  round {round_ + 1}  {database}: {sample.what}: {value}", flush=True)
            if len(found[database]) == round_:
                found[database].append([])
            found[database][round_].append(sample)
    return found


def _round(names: Sequence[str], grounds: Sequence[Database], *, quick: bool) -> Iterator[tuple[str, Sample]]:
    for database in grounds:
        for name in names:
            if name in MEASURES:
                for sample in MEASURES[name](database, quick=quick):
                    yield database.name, sample._replace(measure=name)
    if "imports" in names:
        for sample in idle.measure_imports(quick=quick):
            yield PYTHON, sample._replace(measure="imports")


def _contract(rows: Sequence[Outcome], titles: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the table of what the queue is to reach."""
    width = max((len(one.row.what) for one in rows), default=0)
    for database in dict.fromkeys(one.row.database for one in rows):
        yield ""
        heads = f"{'median':>10}  {'lowest - highest':>18}  {'at least':>8}  {'aim':>6}  reached"
        yield f"{titles[database]:{width}}  {heads}"
        for row, values in (one for one in rows if one.row.database == database):
            outcome = Outcome(row, values)
            spread = f"{number(min(values))} - {number(max(values))}"
            median = f"{number(outcome.median)} {row.unit}"
            marks = f"{row.at_least:>8g}  {row.aim:>6g}  {outcome.verdict}"
            yield f"{row.what:{width}}  {median:>10}  {spread:>18}  {marks}"


def _commit() -> Any:
    """Return the commit that is measured, None outside a checkout."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


if __name__ == "__main__":
    main()

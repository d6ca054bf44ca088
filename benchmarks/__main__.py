"""`python -m benchmarks`: measures each thing several times beside the raw limit of the same run; prints, writes JSON.

Asserts that every result is there, and nothing about time.
"""

import datetime as dt
import json
import os
import pathlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence

import click

from . import drain, enqueue, idle, latency
from .figures import Sample, document, figures, table
from .ground import Database, databases

MEASURES = {
    "drain": drain.measure,
    "enqueue": enqueue.measure,
    "latency": latency.measure,
    "idle": idle.measure,
}
NAMES = [*MEASURES, "imports"]
PYTHON = "Python"  # the heading of what has no database


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--rounds", default=3, show_default=True, help="Times that each is measured.")
@click.option("--quick", is_flag=True, help="Short: to see that everything works, not how fast.")
@click.option("--db", default="sqlite,postgres", show_default=True, help="Databases, with commas.")
@click.option("--json", "file", type=click.Path(path_type=pathlib.Path), help="Where to write all samples.")
def main(names: Sequence[str], *, rounds: int, quick: bool, db: str, file: pathlib.Path | None) -> None:
    """Measure NAMES (default: all of them)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that workers and server end too
    started, load = dt.datetime.now(dt.UTC), os.getloadavg()
    with databases(db.split(",")) as grounds:
        samples = list(_rounds(names or NAMES, grounds, rounds, quick=quick))
    found = figures(samples)
    print("\n".join(table(found)))
    print(f"\nload of the machine: {load[0]:.2f} before, {os.getloadavg()[0]:.2f} after")
    if file is not None:
        loads = {"before": load, "after": os.getloadavg()}
        whole = document(found, started=started.isoformat(), rounds=rounds, quick=quick, load=loads)
        file.write_text(json.dumps(whole, indent=2) + "\n")


def _rounds(
    names: Sequence[str], grounds: Sequence[Database], rounds: int, *, quick: bool
) -> Iterator[tuple[str, Sample]]:
    """Measure everything, then everything again: what disturbs the machine for a while spoils one round of each."""
    began = time.monotonic()
    for number in range(1, rounds + 1):
        for title, sample in _round(names, grounds, quick=quick):
            passed = f"{time.monotonic() - began:5.0f} s"
            print(
                f"{passed}  round {number}  {title.split(',')[0]}: {sample.what}: {sample.value:,.2f} {sample.unit}",
                flush=True,
            )
            yield title, sample


def _round(names: Sequence[str], grounds: Sequence[Database], *, quick: bool) -> Iterator[tuple[str, Sample]]:
    for database in grounds:
        for name in names:
            if name in MEASURES:
                for sample in MEASURES[name](database, quick=quick):
                    yield database.title, sample
    if "imports" in names:
        for sample in idle.measure_imports(quick=quick):
            yield PYTHON, sample


if __name__ == "__main__":
    main()

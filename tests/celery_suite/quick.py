"""Run a quick part of Celery's own tests on both databases, and fail unless every test of it passes, as is committed.

    python -m tests.celery_suite.quick                 # the tests that quick.txt names, on SQLite and on PostgreSQL
    python -m tests.celery_suite.quick --db sqlite     # on one of them

Celery marks its own suite ``flaky(reruns=5)``. Here a test that does not pass is run again, in an empty database and
with such as it alone, at most twice, and that is printed; when more than a few do not pass that is not chance.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.celery_suite.run import FILES, HERE, database, fetch, migrate, outcomes, read, run

DATABASES = ("sqlite", "postgres")
TRIES = 3
FEW = 5
"""How many may fail by chance; a run ends when more have."""

SECONDS = 60
"""The time that one test has."""


def chosen(db: str) -> list[str]:
    """Return the tests of the quick part, of which it is committed that they pass on that database."""
    lines = (HERE / "quick.txt").read_text().splitlines()
    items = [line for line in lines if line and not line.startswith("#")]
    committed = read(HERE / f"outcome.{db}.txt")
    wrong = [one for one in items if committed.get(one, ("unknown", ""))[0] != "passed"]
    if wrong or {one.partition("::")[0] for one in items} != set(FILES):
        sys.exit(f"quick.txt: it must name tests of {', '.join(FILES)} that pass on {db}, not {wrong}")
    return items


def attempt(db: str, suite: Path, items: list[str]) -> dict[str, str]:
    """Run these in an empty database; return why, of each that did not pass."""
    with tempfile.TemporaryDirectory(prefix="celery-quick-") as name, database(db, Path(name)) as url:
        migrate(url)
        arguments = [f"--maxfail={FEW + 1}", *(f"t/integration/{one}" for one in items)]
        record = run(suite, url, Path(name), arguments, SECONDS)
        found = outcomes(record) if record.exists() else {}
    came = {one: found.get(one, ("not run", "")) for one in items}
    return {one: f"{word} {why}".strip() for one, (word, why) in came.items() if word != "passed"}


def judge(db: str, suite: Path) -> bool:
    """Run the quick part on a database, say what came of it, and return whether all of it has passed."""
    items = chosen(db)
    left, tries = attempt(db, suite, items), 1
    while left and len(left) <= FEW and tries < TRIES:
        print(f"{db}: run again, after {tries} of {TRIES} tries:", *_lines(left), sep="\n  ", flush=True)
        left, tries = attempt(db, suite, list(left)), tries + 1
    print(f"{db}: {len(items) - len(left)} of {len(items)} tests of Celery's have passed, in {tries} of {TRIES} tries")
    if left:
        print(f"{db}: committed as passed, and did not pass now:", *_lines(left), sep="\n  ", flush=True)
    return not left


def _lines(left: dict[str, str]) -> list[str]:
    return [f"{one}  # {why}" for one, why in left.items()]


def main() -> None:
    """Run it; exit with 1 when a test of it does not pass."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", choices=DATABASES, action="append", help="only on this database")
    parser.add_argument("--source", help="the source distribution, if it is here already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="celery-suite-") as name:
        suite = fetch(Path(name), given.source)
        good = [judge(db, suite) for db in given.db or DATABASES]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()

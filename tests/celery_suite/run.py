"""Run Celery's own integration tests, of the version whose names we have, against ``sqlqueue.celery``.

    python tests/celery_suite/run.py --db postgres            # all of it; outcome.postgres.txt has what came of it
    python tests/celery_suite/run.py --db sqlite -k chain     # some of it; the file takes what is new

The tests are not ours and not part of the project: they are fetched from the package index, and unpacked into a folder
that is removed afterwards. They run unchanged, with our worker, and with a stand-in for redis (``standin``) in which
they count side effects.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

VERSION = "5.7.0"
FILES = ("test_tasks.py", "test_canvas.py", "test_inspect.py")
ITEMS = 316
HERE = Path(__file__).parent
ROOT = HERE.parents[1]

RUN = """
import sys
import sqlqueue.celery
sqlqueue.celery.install()
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python 3.11 before 3.11.4 has no filters."""


def fetch(into: Path, source: str | None) -> Path:
    """Return the folder of Celery's tests, downloading the source distribution unless one is given."""
    if source is None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "celery"]
        subprocess.run([*command, "--dest", str(into), f"celery=={VERSION}"], check=True)
        source = str(next(into.glob("celery-*.tar.gz")))
    with tarfile.open(source) as archive:
        archive.extractall(into, **SAFELY)
    found = into / f"celery-{VERSION}"
    suite = into / "suite"
    suite.mkdir()
    shutil.copytree(found / "t", suite / "t")
    shutil.copy(found / "pyproject.toml", suite)
    return suite


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database with our tables."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'jobs.db'}"
        return
    from sqlqueue.testing.server import PostgresServer

    with PostgresServer() as server:
        yield server.create_database("celery_suite")


def migrate(url: str) -> None:
    """Make the tables."""
    subprocess.run([sys.executable, "-m", "sqlqueue", "-b", url, "migrate"], check=True)


def run(suite: Path, url: str, folder: Path, arguments: list[str], timeout: int) -> Path:
    """Run the tests; return the record of what came of each."""
    record = folder / "record.jsonl"
    environment = {
        **os.environ,
        "TEST_BROKER": url,
        "TEST_BACKEND": "redis://localhost/0",  # what makes the tests use redis at all: results are in the database
        "WORKER_LOGLEVEL": "INFO",
        "STANDIN_REDIS": str(folder / "redis.db"),
        "SUITE_RECORD": str(record),
        "PYTHONPATH": os.pathsep.join([str(HERE / "standin"), str(suite), str(ROOT)]),
    }
    options = ["-p", "celery.contrib.pytest", "-p", "record", "-p", "no:cacheprovider", f"--timeout={timeout}"]
    options += ["-q", "--tb=native", "-W", "ignore", "-o", "addopts="]
    command = [sys.executable, "-c", RUN, *options, *arguments]
    subprocess.run(command, cwd=suite, env=environment, check=False)
    return record


def outcomes(record: Path) -> dict[str, tuple[str, str]]:
    """Return of each test what came of it, and why; a test has failed when any part of it has."""
    found: dict[str, tuple[str, str]] = {}
    for line in record.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        name = one["test"].removeprefix("t/integration/")
        word, why = one["word"], " ".join(one["why"].split())[:200]
        if found.get(name, ("passed", ""))[0] == "passed" or word == "failed" != found[name][0]:
            found[name] = (word, why)
    return found


def read(path: Path) -> dict[str, tuple[str, str]]:
    """Return what a committed file says of each test."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        if not line.startswith("#"):
            word, test, *why = line.split(maxsplit=1)[0], *line.split(maxsplit=1)[1].split("  # ", 1)
            found[test] = (word, why[0] if why else "")
    return found


def explained(found: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return the same with our own reason for what does not pass, where there is one."""
    lines = (HERE / "reasons.txt").read_text().splitlines()
    reasons = [line.split("\t", 1) for line in lines if not line.startswith("#")]
    return {
        test: (word, next((why for pattern, why in reasons if word != "passed" and fnmatchcase(test, pattern)), said))
        for test, (word, said) in found.items()
    }


def main() -> None:
    """Run, and say what came of it; the committed file takes what is new."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", choices=("postgres", "sqlite"), default="sqlite")
    parser.add_argument("--source", help="the source distribution, if it is here already")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one test")
    parser.add_argument("-k", dest="some", help="only these tests")
    parser.add_argument("--file", action="append", help="only these files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="celery-suite-") as name:
        folder = Path(name)
        suite = fetch(folder, given.source)
        arguments = [f"t/integration/{file}" for file in given.file or FILES]
        arguments += ["-k", given.some] if given.some else []
        with database(given.db, folder) as url:
            migrate(url)
            found = explained(outcomes(run(suite, url, folder, arguments, given.timeout)))
    print(f"{len(found)} tests have run")
    write(HERE / f"outcome.{given.db}.txt", given.db, found)


def write(path: Path, db: str, found: dict[str, tuple[str, str]]) -> None:
    """Put what was found into the file, and print what does not pass."""
    found = {**read(path), **found}
    lines = [f"{word:8} {test}{f'  # {why}' if why else ''}" for test, (word, why) in sorted(found.items())]
    counts = Counter(word for word, _ in found.values())
    total = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    head = f"# celery {VERSION}, {', '.join(FILES)}, on {db}: {total}; {len(found)} of {ITEMS} items"
    path.write_text("\n".join([head, *lines, ""]))
    print("\n".join(line for line in lines if not line.startswith("passed")))
    print(f"{db}: {total}")


if __name__ == "__main__":
    main()

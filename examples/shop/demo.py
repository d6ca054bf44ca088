"""A day in a print shop: orders and their jobs in one transaction, a real worker, results, and a look inside.

    make demo                 on SQLite
    make demo DB=postgres     on a PostgreSQL that it starts itself

The shop prints copies of this repository's own files, so the work is real: words are counted, checksums taken,
invoices written, a shell command run. Ends with 0 when everything held, with 1 and one line when something did not.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import processes
from telling import DidNotHold


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sqlqueue-demo-") as name:
        folder = pathlib.Path(name)
        try:
            with database(parser.parse_args().db, folder) as (url, place):
                open_the_shop(folder, url)
                import story  # noqa: PLC0415 - it looks for the database when it is imported

                print(f"sqlqueue demo: a print shop and its job queue, both in {place}")
                story.tell(folder / "worker.log")
        except Exception as error:  # noqa: BLE001 - one clear line, whatever it was
            sys.stdout.flush()
            print(f"\nThe demo failed: {type(error).__name__}: {error}", file=sys.stderr)
            if not isinstance(error, DidNotHold):
                print(last_words(folder / "worker.log"), file=sys.stderr, end="")
            return 1
        except KeyboardInterrupt:
            return 130
    print(f"\nEverything held, in {time.monotonic() - started:.0f} seconds.")
    return 0


@contextmanager
def database(kind: str, folder: pathlib.Path) -> Iterator[tuple[str, str]]:
    """The URL of an empty database, and what to call it."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'shop.db'}", "one SQLite file"
        return
    from sqlqueue.testing.server import PostgresServer  # noqa: PLC0415 - imports psycopg

    with PostgresServer() as server:
        yield server.create_database("shop"), "a PostgreSQL started for it"


def open_the_shop(folder: pathlib.Path, url: str) -> None:
    """Say to this process and to those it starts where the shop's things are."""
    (folder / "invoices").mkdir()
    os.environ |= {"SQLQUEUE_BROKER_URL": url, "SHOP_INVOICES": str(folder / "invoices")}
    processes.migrate()


def last_words(log: pathlib.Path) -> str:
    """What the worker said at the end, when there was one."""
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return "".join(f"  worker: {line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())

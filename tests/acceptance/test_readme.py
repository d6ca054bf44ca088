"""The README's quickstart, as a new user would run it: its own blocks, real processes, an empty folder."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.support import pages
from tests.support.processes import PATIENCE, ROOT

README = pages.page("README.md")
QUICKSTART = pages.blocks(pages.sections(README)["Quickstart"])
(TRANSACTION,) = pages.blocks(pages.sections(README)["Enqueue in your transaction"], "python")

AROUND = """
from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tasks import add, app

class Base(DeclarativeBase): pass

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)

engine = create_engine(app.broker)
Base.metadata.create_all(engine)
order = Order(id=1)
try:
{block}
{then}
except KeyError:
    pass
with engine.connect() as connection:
    print(*(connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in ("orders", "sqlqueue_jobs")))
engine.dispose()
app.close()
"""


@pytest.fixture
def folder(tmp_path):
    """An empty folder, with `sqlqueue` and `python` on the PATH as after the installation."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name, words in (("python", ""), ("sqlqueue", "-m sqlqueue")):
        (bin_ / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words} "$@"\n')
        (bin_ / name).chmod(0o755)
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def shell(folder, script):
    path = os.pathsep.join([str(folder.parent / "bin"), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    env.pop("SQLQUEUE_BROKER_URL", None)
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_the_quickstart_has_three_blocks_and_begins_with_the_installation():
    assert [block.language for block in QUICKSTART] == ["sh", "python", "sh"]
    assert QUICKSTART[0].text == "pip install .\n"


def test_the_quickstart_prints_what_it_says(folder):
    (folder / "tasks.py").write_text(QUICKSTART[1].text)
    done = shell(folder, f"{QUICKSTART[2].text}code=$?; kill $!; wait $!; echo worker $? >&2; exit $code")
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr
    assert "worker 0" in done.stderr, "SIGTERM ends it well"


@pytest.mark.parametrize(("then", "printed"), [("", "1 1"), ("        raise KeyError", "0 0")])
def test_the_job_commits_or_vanishes_with_the_order(folder, then, printed):
    (folder / "tasks.py").write_text(QUICKSTART[1].text)
    block = "".join(f"    {line}" for line in TRANSACTION.text.splitlines(keepends=True))
    (folder / "try.py").write_text(AROUND.replace("{block}", block.rstrip()).replace("{then}", then))
    done = shell(folder, "sqlqueue migrate && python try.py")
    assert done.stdout.splitlines()[-1:] == [printed], done.stderr

"""Each example runs by itself and prints what its last lines say; the shop's demo holds, and can fail."""

import os
import re
import subprocess
import sys
import textwrap

import pytest

from tests.support.processes import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SHOP = ROOT / "examples" / "shop"
PROMISE = re.compile(r"\n# Prints:\n((?:# .*\n)+)\Z")
PATIENCE = 60.0

# Commits what the story means to roll back, so that the demo must find it out.
SABOTAGE = """
    import sys
    sys.path.insert(0, {shop!r})
    sys.argv = ["demo.py"]
    import demo
    opened = demo.open_the_shop
    def open_and_spoil(folder, url):
        opened(folder, url)
        import story
        story.take_order_and_regret = story.take_order
    demo.open_the_shop = open_and_spoil
    sys.exit(demo.main())
"""


def python(folder, *arguments):
    """Run Python in an empty folder, without anything from our surroundings that names a database."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    env.pop("SQLQUEUE_BROKER_URL", None)
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_prints_what_it_promises(path, tmp_path):
    promise = PROMISE.search(path.read_text())
    assert promise, f"{path.name} does not end with what it prints"
    done = python(tmp_path, path)
    assert (done.returncode, done.stdout) == (0, re.sub("^# ", "", promise[1], flags=re.MULTILINE)), done.stderr
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_demo_holds(database, tmp_path):
    done = python(tmp_path, SHOP / "demo.py", "--db", database)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "Traceback" not in done.stdout
    assert "Everything held" in done.stdout.splitlines()[-1]
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


def test_the_demo_fails_when_something_does_not_hold(tmp_path):
    done = python(tmp_path, "-c", textwrap.dedent(SABOTAGE).format(shop=str(SHOP)))
    assert done.returncode == 1
    assert "The demo failed: DidNotHold: its row does not exist" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr

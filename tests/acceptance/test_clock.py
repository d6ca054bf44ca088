"""A worker whose host's clock is an hour off: everything that two machines must agree on goes by the database's."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.acceptance.test_kills import held_by
from tests.support.processes import wait_until

PATIENCE = 40.0

LIBRARY = next((str(path) for path in sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


@pytest.fixture
def database_url(postgres_url):
    """On a file the clock of each process is the database's: there are no two of them on one host."""
    return postgres_url


def skewed(offset: str) -> dict[str, str]:
    """Return what makes a process see another time of day; its stopwatch goes on as it should."""
    if LIBRARY is None and "CI" not in os.environ:
        pytest.skip("needs libfaketime: apt-get install faketime")
    assert LIBRARY is not None, "CI must have libfaketime: apt-get install faketime"
    return {"LD_PRELOAD": LIBRARY, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.parametrize("offset", ["+3600s", "-3600s"])
def test_jobs_are_due_expire_and_are_rescued_by_the_databases_clock(place, offset):
    tasks = place.app()
    off = place.worker("-P", "prefork", "-c", "2", "-n", "off", **skewed(offset)).wait_ready()
    seen = tasks.clock.delay().get(timeout=PATIENCE)
    assert abs(seen - time.time()) > 3000, "its clock is off"  # noqa: TID251 - the very clock in question
    started = time.monotonic()
    later = tasks.add.apply_async((1, 1), countdown=1.5)
    fresh = tasks.add.apply_async((2, 2), expires=600)
    assert fresh.get(timeout=PATIENCE) == 4, "it has not expired"
    assert later.get(timeout=PATIENCE) == 2
    assert 1.0 < time.monotonic() - started < 20
    retried = tasks.flaky.delay(2)
    assert retried.get(timeout=PATIENCE) == 2
    right = place.worker("-P", "prefork", "-c", "1", "-n", "right").wait_ready()
    for _ in range(3):  # through the time after which a beat would be too old
        assert tasks.add.apply_async((3, 3), countdown=3).get(timeout=PATIENCE) == 6
    assert "is dead" not in off.output + right.output
    held = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    tasks.hold.delay(str(place.folder))
    wait_until("both workers to hold one", lambda: len(held_by(place)) == 2)
    right.kill()
    off.wait_for("worker right is dead")
    (place.folder / "go").touch()
    held.get(timeout=PATIENCE)
    assert off.finish() == 0

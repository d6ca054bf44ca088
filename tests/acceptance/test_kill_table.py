"""How soon a job runs again after each kind of death: the table of docs/deployment.md, by the database's clock."""

from __future__ import annotations

import os
import signal

import pytest

from tests.acceptance.test_kills import held_by, running_record
from tests.support.processes import wait_until
from tests.support.runners import onlooker

PATIENCE = 90.0

BOUNDS = {"child": 2.0, "worker": 10.0, "both": 10.0, "silent": 30.0}
"""Seconds from the death to the next claim, with the default settings."""

SLOW_MACHINE = 5.0
"""Seconds on top, for a machine that does other things besides."""

SILENT_ON_A_FILE = 40.0
"""On a file a stopped process is known to live, and one long transaction may keep everybody from beating: 30 s, and a
look."""

NOW = {
    True: "SELECT (julianday('now') - 2440587.5) * 86400.0 AS moment",
    False: "SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision) AS moment",
}
CLAIMED = {
    True: "SELECT claim_token, (julianday(claimed_at) - 2440587.5) * 86400.0 AS moment FROM sqlqueue_jobs",
    False: "SELECT claim_token, CAST(extract(epoch FROM claimed_at) AS double precision) AS moment FROM sqlqueue_jobs",
}


@pytest.fixture
def looker(place):
    connection = onlooker(place.url)
    yield connection
    connection.close()


def now(place, looker) -> float:
    return looker.execute(NOW[place.url.startswith("sqlite")]).fetchone()["moment"]


def claimed_again(place, looker):
    """Return when the only job was claimed for the second time at least, None before."""
    row = looker.execute(CLAIMED[place.url.startswith("sqlite")]).fetchone()
    return row["moment"] if row is not None and row["claim_token"] > 1 else None


def leader(looker) -> str | None:
    """Return the name of the worker that holds the lease."""
    row = looker.execute(
        "SELECT w.name AS name FROM sqlqueue_leases l JOIN sqlqueue_workers w ON w.incarnation = l.holder"
    ).fetchone()
    return row["name"] if row is not None else None


@pytest.mark.parametrize("dead", ["child", "worker", "both"])
def test_a_job_runs_again_soon_after_a_death(place, looker, dead):
    tasks = place.app()
    first = place.worker("-P", "prefork", "-c", "1", "-n", "first").wait_ready()
    held = tasks.hold.delay(str(place.folder))
    (child,) = wait_until("the task to start", lambda: held_by(place))
    assert running_record(tasks, held), "the kill hits while the job runs"
    second = place.worker("-P", "prefork", "-c", "1", "-n", "second").wait_ready() if dead != "child" else first
    if dead != "child":
        wait_until("the first to lead", lambda: leader(looker) == "first")
    died_at = now(place, looker)
    if dead != "worker":
        os.kill(child, signal.SIGKILL)
    if dead != "child":
        first.kill()
    again_at = wait_until("the next claim", lambda: claimed_again(place, looker), PATIENCE)
    assert again_at - died_at < BOUNDS[dead] + SLOW_MACHINE
    wait_until("the next start", lambda: len(held_by(place)) == 2, PATIENCE)
    (place.folder / "go").touch()
    assert held.get(timeout=PATIENCE) != child
    if dead == "worker":
        wait_until("the other to lead", lambda: leader(looker) == "second", PATIENCE)
    assert second.finish() == 0


@pytest.mark.timeout(240)
def test_a_silent_workers_job_runs_again_and_what_it_says_later_is_refused(place, looker):
    """Stopped for five seconds longer than its rescue took, then it goes on: as a host that was lost for a while."""
    tasks = place.app()
    first = place.worker("-P", "prefork", "-c", "1", "-n", "first").wait_ready()
    held = tasks.hold.delay(str(place.folder))
    (child,) = wait_until("the task to start", lambda: held_by(place))
    second = place.worker("-P", "prefork", "-c", "1", "-n", "second").wait_ready()
    died_at = now(place, looker)
    os.kill(first.process.pid, signal.SIGSTOP)
    again_at = wait_until("the next claim", lambda: claimed_again(place, looker), PATIENCE)
    bound = SILENT_ON_A_FILE if place.url.startswith("sqlite") else BOUNDS["silent"]
    assert again_at - died_at < bound + SLOW_MACHINE
    wait_until("the next start", lambda: len(held_by(place)) == 2, PATIENCE)
    wait_until("five seconds more", lambda: now(place, looker) > again_at + 5, PATIENCE)
    assert running_record(tasks, held), "the second run is not over when the first one wakes up"
    os.kill(first.process.pid, signal.SIGCONT)
    (place.folder / "go").touch()
    assert held.get(timeout=PATIENCE) != child
    first.wait_for("was no longer ours")
    rows = looker.execute("SELECT attempt FROM sqlqueue_results").fetchall()
    assert len(rows) == 1, "one outcome was accepted"
    assert tasks.add.delay(2, 2).get(timeout=PATIENCE) == 4
    assert second.finish() == 0
    assert first.finish() == 0

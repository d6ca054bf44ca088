"""Transactional tasks, killed before and after their commit: their effect is there once. The twin shows it twice."""

from __future__ import annotations

import os
import signal

import pytest

from sqlqueue.store.ops.results import look_up
from tests.support.processes import wait_until
from tests.support.runners import onlooker

PATIENCE = 60.0


@pytest.fixture
def effects(place):
    """Who has written what, in a table of the user's own."""
    connection = onlooker(place.url)
    connection.execute("CREATE TABLE effects (what text, pid integer)")
    yield lambda: [row["pid"] for row in connection.execute("SELECT pid FROM effects").fetchall()]
    connection.execute("DROP TABLE effects")
    connection.close()


def running(place) -> int:
    """Return the process that is in the task."""
    (path,) = place.folder.glob("effect-by-*")
    return int(path.name.rpartition("-")[2])


@pytest.mark.parametrize("moment", ["before-own-commit", "after-own-commit"])
def test_a_child_that_is_killed_around_its_commit(place, effects, moment):
    tasks = place.app()
    tasks.app.store.check_schema()
    worker = place.worker("-P", "prefork", "-c", "1").wait_ready()
    worker.hold(moment)
    last = (tasks.effect.s("once") | tasks.app.signature("tasks.add", (0,))).delay()
    first = last.parent
    worker.reached(moment)
    committed = moment == "after-own-commit"
    assert len(effects()) == committed, "the fault hits on the side of the commit that it is meant for"
    record = tasks.app.store.read(look_up, first.id)
    assert record.state == ("succeeded" if committed else "running")
    killed = running(place)
    os.kill(killed, signal.SIGKILL)
    worker.release(moment)
    winner = first.get(timeout=PATIENCE)
    assert effects() == [winner], "once, and by the run that is the job's success"
    assert (winner == killed) is committed
    assert last.get(timeout=PATIENCE) == winner, "who waits for it is let go, by the parent or by the sweep"
    assert worker.finish() == 0


@pytest.mark.parametrize("moment", ["before-own-commit", "after-own-commit"])
def test_a_whole_worker_that_is_killed_around_its_commit(place, effects, moment):
    tasks = place.app()
    tasks.app.store.check_schema()
    first_worker = place.worker("-P", "threads", "-c", "1", "-n", "first").wait_ready()
    first_worker.hold(moment)
    last = (tasks.effect.s("once") | tasks.app.signature("tasks.add", (0,))).delay()
    first_worker.reached(moment)
    committed = moment == "after-own-commit"
    assert len(effects()) == committed
    first_worker.kill()
    second = place.worker("-P", "threads", "-c", "1", "-n", "second").wait_ready()
    winner = last.get(timeout=PATIENCE)
    assert effects() == [winner]
    assert (winner == first_worker.process.pid) is committed
    assert second.finish() == 0


def test_the_twin_that_commits_by_itself_has_its_effect_twice(place, effects):
    tasks = place.app()
    tasks.app.store.check_schema()
    worker = place.worker("-P", "prefork", "-c", "1").wait_ready()
    result = tasks.separate_effect.delay("twice", str(place.folder))
    wait_until("the first effect", lambda: len(effects()) == 1)
    wait_until("the wait for the settlement", lambda: list(place.folder.glob("held-by-*")))
    os.kill(effects()[0], signal.SIGKILL)
    (place.folder / "go").touch()
    result.get(timeout=PATIENCE)
    assert len(effects()) == 2, "a task that commits before its job is settled has its effect once for each run"
    assert worker.finish() == 0

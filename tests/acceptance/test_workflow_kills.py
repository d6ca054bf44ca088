"""Workers killed in the middle of a chord of ten thousand: its body runs once, after all of its header."""

from __future__ import annotations

import pytest

from sqlqueue import chord
from sqlqueue.store.operation import Statement, ask
from tests.support.processes import wait_until

WIDTH = 10_000
LATE = 100
"""Members of the header in a queue that nobody serves before the last kill, so that it is never over before."""

LAST_KILL = 2
PATIENCE = 100.0


def counted(tasks, condition: str) -> int:
    """Count rows; asked as every verb asks, on whatever database it is."""

    def count(_):
        rows = yield from ask(Statement(f"SELECT count(*) FROM {condition}"))
        return rows[0][0]

    return tasks.app.store.read(count)


def over(tasks) -> int:
    return counted(tasks, "sqlqueue_results WHERE task = 'tasks.brief'")


@pytest.mark.timeout(240)
def test_the_body_runs_once_whoever_is_killed(place):
    tasks = place.app()
    body = tasks.tally.s(str(place.folder))
    late = [tasks.brief.s(n).set(queue="late") for n in range(WIDTH - LATE, WIDTH)]
    result = chord([*(tasks.brief.s(n) for n in range(WIDTH - LATE)), *late], body).delay()
    workers = [place.worker("-P", "threads", "-c", "4", "-n", f"w{n}").wait_ready() for n in range(2)]
    for kill in range(LAST_KILL + 1):
        wait_until("some of the header to be over", lambda kill=kill: over(tasks) > 1000 * (kill + 1), PATIENCE)
        victim = workers.pop(0)
        victim.kill()
        assert counted(tasks, "sqlqueue_jobs WHERE state = 'blocked'") == 1
        queues = "testq,late" if kill == LAST_KILL else "testq"
        workers.append(place.worker("-Q", queues, "-P", "threads", "-c", "4", "-n", f"heir{kill}").wait_ready())
    assert result.get(timeout=PATIENCE) == sum(range(WIDTH))
    assert (place.folder / "bodies").read_text().split() == [str(WIDTH)]
    assert over(tasks) == WIDTH
    assert counted(tasks, "sqlqueue_jobs") == counted(tasks, "sqlqueue_dependencies") == 0
    assert any("is dead" in worker.output for worker in workers)


def test_a_worker_killed_between_the_last_member_and_the_release(place):
    """The settlement and the release are one transaction: either both are there or neither."""
    tasks = place.app()
    first = place.worker("-P", "threads", "-c", "2", "-n", "first").wait_ready()
    result = chord([tasks.add.s(1, 1), tasks.hold_for.s(str(place.folder))], tasks.tally.s(str(place.folder))).delay()
    wait_until("the first member to be over", lambda: counted(tasks, "sqlqueue_results") == 1)
    first.hold("before-cycle")
    (first.signals / "before-cycle").unlink(missing_ok=True)
    (place.folder / "go").touch()
    first.reached("before-cycle")
    first.kill()
    assert counted(tasks, "sqlqueue_jobs WHERE state = 'blocked'") == 1
    second = place.worker("-P", "threads", "-n", "second").wait_ready()
    assert result.get(timeout=PATIENCE) == 9
    assert second.finish() == 0

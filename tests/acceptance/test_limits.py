"""Time limits in every pool, and children that are replaced by number of jobs and by memory: real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlqueue import EnqueueError, SoftTimeLimitExceeded, TimeLimitExceeded
from tests.support.processes import wait_until

PATIENCE = 40.0
POOLS = ["prefork", "threads", "asyncio", "solo"]


@pytest.fixture
def limited(place):
    """A place whose tasks run for too long."""
    (place.folder / "tasks.py").write_text((Path(__file__).parent / "limit_tasks.py").read_text())
    return place


def starts(place) -> int:
    path = place.folder / "starts"
    return len(path.read_text()) if path.exists() else 0


@pytest.mark.parametrize("pool", POOLS)
def test_a_task_is_warned_and_may_tidy_up(limited, pool):
    tasks = limited.app()
    worker = limited.worker("-P", pool, "-c", "2").wait_ready()
    results = [tasks.tidy.delay(), tasks.atidy.delay(), tasks.tidy.delay(), tasks.atidy.delay()]
    assert [result.get(timeout=PATIENCE) for result in results] == ["tidied"] * 4
    uncaught = [
        tasks.endless.apply_async((str(limited.folder),), soft_time_limit=0.2),
        tasks.aendless.apply_async((str(limited.folder),), soft_time_limit=0.2),
    ]
    for result in uncaught:
        with pytest.raises(SoftTimeLimitExceeded):
            result.get(timeout=PATIENCE)
    assert starts(limited) == 2
    assert tasks.add.delay(1, 1).get(timeout=PATIENCE) == 2
    assert worker.finish() == 0


@pytest.mark.parametrize("pool", POOLS)
def test_what_does_not_heed_the_warning_is_ended_as_failed_and_not_as_crashed(limited, pool):
    tasks = limited.app()
    worker = limited.worker("-P", pool, "-c", "1").wait_ready()
    name = "aendless" if pool == "asyncio" else "endless" if pool == "solo" else "stubborn"
    ended = getattr(tasks, name).apply_async((str(limited.folder),), time_limit=0.5)
    behind = [tasks.add.delay(n, 1) for n in range(20)]
    with pytest.raises(TimeLimitExceeded, match=r"its time limit of 0.5 s"):
        ended.get(timeout=PATIENCE)
    assert [result.get(timeout=PATIENCE) for result in behind] == [n + 1 for n in range(20)]
    assert starts(limited) == 1, "it is not run again"
    plain = tasks.endless.apply_async((str(limited.folder),), time_limit=0.3)
    with pytest.raises(TimeLimitExceeded):
        plain.get(timeout=PATIENCE)
    assert tasks.add.delay(2, 2).get(timeout=PATIENCE) == 4
    assert worker.finish() == 0


def test_the_workers_own_limit_and_who_overrides_it(limited):
    tasks = limited.app()
    worker = limited.worker("-P", "prefork", "-c", "2", "--time-limit", "0.4").wait_ready()
    with pytest.raises(TimeLimitExceeded, match=r"limit of 0.4 s"):
        tasks.endless.delay(str(limited.folder)).get(timeout=PATIENCE)
    longer = tasks.endless.apply_async((str(limited.folder),), time_limit=0.9)
    with pytest.raises(TimeLimitExceeded, match=r"limit of 0.9 s"):
        longer.get(timeout=PATIENCE)
    with pytest.raises(EnqueueError, match=r"soft_time_limit is 5, more than time_limit, 1"):
        tasks.add.apply_async((1, 1), soft_time_limit=5, time_limit=1)
    with pytest.raises(EnqueueError, match="time_limit is 'soon': use seconds"):
        tasks.add.apply_async((1, 1), time_limit="soon")
    assert worker.finish() == 0


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_children_are_replaced_after_so_many_jobs_or_so_much_memory(limited, start):
    tasks = limited.app()
    limits = ["--max-tasks-per-child", "5", "--max-memory-per-child", "300000"]
    worker = limited.worker("-c", "1", "--pool-start-method", start, *limits).wait_ready()
    pids = [tasks.whoami.delay().get(timeout=PATIENCE) for _ in range(11)]
    assert len(set(pids)) == 3
    first = tasks.grow.delay(400).get(timeout=PATIENCE)
    worker.wait_for("it is replaced")
    assert tasks.whoami.delay().get(timeout=PATIENCE) != first
    assert worker.finish() == 0


@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio"])
def test_a_busy_pool_grows(limited, pool):
    tasks = limited.app()
    worker = limited.worker("-P", pool, "--autoscale", "4,1").wait_ready()
    for _ in range(4):
        tasks.endless.apply_async((str(limited.folder),), soft_time_limit=60)
    wait_until("all four to run at a time", lambda: starts(limited) == 4, PATIENCE)
    worker.kill()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--time-limit", "1", "--soft-time-limit", "2"], "soft_time_limit is 2, more than time_limit, 1"),
        (["--autoscale", "1,3"], "use MOST,FEWEST"),
        (["--autoscale", "many"], "'many' is not MOST,FEWEST"),
        (["-c", "lots"], "'lots' is neither a number nor auto"),
        (["-P", "threads", "--max-tasks-per-child", "3"], "needs children"),
        (["-P", "threads", "--pool-start-method", "spawn"], "pool-start-method needs children"),
    ],
)
def test_options_that_cannot_be(limited, arguments, said):
    worker = limited.worker(*arguments)
    assert worker.end() in (1, 2)
    assert said in worker.output
    assert "Traceback" not in worker.output


@pytest.mark.parametrize("pool", POOLS)
def test_a_rate_limit_spaces_the_starts_and_holds_up_no_other(limited, pool):
    tasks = limited.app()
    seldom = [tasks.seldom.delay(str(limited.folder)) for _ in range(30)]
    paced = [tasks.paced.delay(str(limited.folder)) for _ in range(8)]
    others = [tasks.add.delay(n, 1) for n in range(30)]
    worker = limited.worker("-P", pool, "-c", "1").wait_ready()
    assert [result.get(timeout=PATIENCE) for result in others] == [n + 1 for n in range(30)]
    for result in paced:
        result.get(timeout=PATIENCE)
    moments = [float(word) for word in (limited.folder / "paced").read_text().split()]
    assert moments[-1] - moments[0] > 7 * 0.2 * 0.9, "the first and the last start are seven turns apart"
    assert starts(limited) == 1
    assert worker.finish() == 0
    assert sorted(result.state for result in seldom) == ["PENDING"] * 29 + ["SUCCESS"]
    assert "goes back" not in worker.output

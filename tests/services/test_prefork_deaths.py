"""The prefork pool when processes die: children, the fork server, the parent itself."""

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest

from sqlqueue.domain.outcome import Crashed, Returned, Succeeded
from tests.services.prefork_stage import (
    ROOT,
    Stage,
    add,
    alive,
    alone,
    children_of,
    eventually,
    executor,
    fork_and_return,
    go,
    hold,
    note,
    pid_in,
    spin,
    value,
    whoami,
)  # fmt: skip


@alone
def test_a_task_that_exits_takes_no_innocent_with_it(folder):
    stage = Stage(seats=2)
    jobs = [stage.job(add, 1, n) for n in range(200)]
    killers = [stage.job(note, folder / "log", "x", 3), stage.job(note, folder / "log", "x", 0)]
    batch = [*jobs[:60], killers[0], *jobs[60:120], killers[1], *jobs[120:]]
    stage.pool.submit(batch)
    outcomes = stage.wait(len(batch))
    assert outcomes[killers[0].id] == Crashed("exited with status 3")
    assert outcomes[killers[1].id] == Crashed("exited with status 0")
    assert [value(outcomes[job.id]) for job in jobs] == [n + 1 for n in range(200)]
    stage.end()


@alone
def test_a_death_loses_no_outcome_and_runs_no_job_twice(folder):
    stage, log = Stage(seats=1), folder / "log"
    expected = []
    for round_ in range(20):  # the task is known to be quick: outcomes gather in the stash when it kills
        before = [stage.job(note, log, f"{round_}.{n}") for n in range(30)]
        killer = stage.job(note, log, f"{round_}.killer", 9)
        stage.pool.submit([*before, killer, stage.job(note, log, f"{round_}.after")])
        expected += [*(f"{round_}.{n}" for n in range(30)), f"{round_}.killer", f"{round_}.after"]
        outcomes = stage.wait(len(expected))
        assert isinstance(outcomes[killer.id], Crashed)
        assert all(isinstance(outcomes[job.id], Succeeded) for job in before)
    assert log.read_text().split() == expected
    stage.end()


@alone
def test_a_killed_child_is_replaced_at_once_and_its_line_goes_on(folder):
    stage = Stage(seats=1)
    victim = stage.submit(hold, folder / "held")
    pid = pid_in(folder / "held")
    behind = [stage.submit(add, 1, 1) for _ in range(10)]
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    outcomes = stage.wait(11)
    assert time.monotonic() - killed < 2
    assert outcomes[victim.id] == Crashed("killed by SIGKILL")
    assert {value(outcomes[job.id]) for job in behind} == {2}
    stage.end()


@alone
def test_a_child_killed_while_idle_crashes_no_job(folder):
    stage = Stage(seats=1)
    pids = []
    for count in range(1, 30):
        job = stage.submit(whoami)  # often into the pipe of the dead one
        pids.append(value(stage.wait(count)[job.id]))
        os.kill(pids[-1], signal.SIGKILL)
    assert len(set(pids)) == len(pids)
    stage.end()


@alone
def test_a_stopped_child_gives_its_unstarted_jobs_to_others(folder):
    stage = Stage(seats=2)
    first, second = stage.submit(hold, folder / "a"), stage.submit(hold, folder / "b")
    frozen = pid_in(folder / "a")
    pid_in(folder / "b")
    os.kill(frozen, signal.SIGSTOP)
    go(folder / "b")
    stage.wait(1)
    jobs = [stage.submit(whoami) for _ in range(50)]
    outcomes = stage.wait(51)
    assert frozen not in {value(outcomes[job.id]) for job in jobs}
    assert value(outcomes[second.id]) == "held"
    os.kill(frozen, signal.SIGCONT)
    go(folder / "a")
    assert value(stage.wait(52)[first.id]) == "held"
    stage.end()


@alone
def test_a_task_that_forks_and_comes_back_twice_is_reported_once(folder):
    stage = Stage(seats=1)
    job = stage.submit(fork_and_return)
    more = [stage.submit(add, 1, 1) for _ in range(20)]
    outcomes = stage.wait(21)
    assert value(outcomes[job.id]) > 0
    assert {value(outcomes[job.id]) for job in more} == {2}
    stage.end()


@alone
def test_children_that_cannot_begin_are_replaced_more_and_more_slowly(folder):
    log = folder / "births"

    def broken():
        with log.open("a") as file:
            file.write(f"{time.monotonic()}\n")
        if (folder / "mended").exists():
            return executor()
        os._exit(1)

    stage = Stage(seats=1, make_executor=broken)
    job = stage.submit(add, 1, 1)
    eventually(lambda: log.exists() and len(log.read_text().split()) >= 4)
    births = [float(word) for word in log.read_text().split()]
    pauses = [after - before for before, after in itertools.pairwise(births)]
    assert all(pause > least for pause, least in zip(pauses, (0.09, 0.19, 0.39), strict=False))
    (folder / "mended").touch()
    assert value(stage.wait(1)[job.id]) == 2
    stage.end()


@alone
def test_abandon_kills_and_returns_what_was_not_reported(folder):
    stage = Stage(seats=2)
    done = stage.submit(add, 1, 1)
    stage.wait(1)
    held = [stage.submit(spin, folder / "a"), stage.submit(spin, folder / "b")]
    pids = [pid_in(folder / "a"), pid_in(folder / "b")]
    behind = [stage.submit(add, 1, 1) for _ in range(10)]
    left = stage.pool.abandon()
    assert {job.id for job in left} == {job.id for job in (*held, *behind)}
    assert stage.outcomes().keys() == {done.id}
    assert not any(alive(pid) for pid in (*pids, stage.server.pid))
    assert stage.pool.load == 0
    assert stage.pool.join(0)


@alone
def test_without_its_fork_server_the_pool_says_so_and_keeps_no_job(folder):
    stage = Stage(seats=2)
    running = stage.submit(spin, folder / "held")
    pid = pid_in(folder / "held")
    os.kill(stage.server.pid, signal.SIGKILL)
    assert isinstance(stage.wait(1)[running.id], Crashed)
    assert stage.pool.lost
    late = stage.submit(add, 1, 1)
    assert isinstance(stage.wait(2)[late.id], Returned)
    eventually(lambda: not alive(pid))
    stage.end()


PARENT = """
import os, pathlib, sys
from tests.services.prefork_stage import Stage, add, hold, pid_in, spin
folder = pathlib.Path(sys.argv[1])
stage = Stage(seats=3)
stage.submit(spin, folder / "spin")
stage.submit(hold, folder / "hold")
pids = [pid_in(folder / "spin"), pid_in(folder / "hold"), stage.server.pid]
print(*pids, flush=True)
stage.said.acquire()
stage.said.wait()
"""


@pytest.fixture
def parent(tmp_path):
    """A process with a pool, and the pids it told: one deaf child, one in a job, the fork server."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process, [int(word) for word in process.stdout.readline().split()]
        process.kill()


def test_a_killed_parent_leaves_no_process_behind(parent):
    parent, pids = parent
    pids += children_of(pids[-1])
    assert len(set(pids)) == 4  # the server and three children
    parent.kill()
    eventually(lambda: not any(alive(pid) for pid in pids), seconds=1.0)


def test_a_killed_server_takes_its_children_with_it(parent):
    parent, (spinning, holding, server) = parent
    os.kill(parent.pid, signal.SIGSTOP)  # the parent cannot help
    os.kill(server, signal.SIGKILL)
    eventually(lambda: not alive(spinning) and not alive(holding), seconds=1.0)

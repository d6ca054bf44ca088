"""Children that are fresh interpreters: all that holds of forked ones, and nothing is inherited."""

import os
import signal

from sqlqueue.domain.limits import Limits
from sqlqueue.domain.outcome import Crashed, Failed
from tests.services.prefork_stage import (
    Stage,
    add,
    alive,
    alone,
    children_of,
    eventually,
    go,
    hold,
    mark,
    note,
    pid_in,
    read_stdin,
    spin,
    start_a_program,
    value,
    whoami,
)  # fmt: skip


@alone
def test_a_child_inherits_nothing_and_works_like_a_forked_one(folder):
    mark("in the parent")
    stage = Stage(seats=1, spawn=True)
    jobs = [stage.job(mark), *(stage.job(add, 1, n) for n in range(2000)), stage.job(read_stdin)]
    stage.pool.submit(jobs)
    outcomes = stage.wait(len(jobs))
    assert value(outcomes[jobs[0].id]) == []
    assert [value(outcomes[job.id]) for job in jobs[1:-1]] == [n + 1 for n in range(2000)]
    assert value(outcomes[jobs[-1].id]) == ""
    program = stage.submit(start_a_program, folder / "program")
    os.kill(pid_in(folder / "program"), signal.SIGTERM)
    outcomes = stage.wait(len(jobs) + 1)
    assert value(outcomes[program.id]) == -signal.SIGTERM, "what it starts hears signals as usual"
    server = stage.server.pid
    (child,) = children_of(server)
    stage.end()
    assert not alive(child)
    assert not alive(server)


@alone
def test_deaths_and_limits_take_no_innocent_along(folder):
    stage = Stage(seats=1, spawn=True)
    stage.pool.limits.set("spin", Limits(hard=0.05))
    killed = stage.submit(hold, folder / "held")
    innocents = [stage.submit(add, 1, n) for n in range(20)]
    os.kill(pid_in(folder / "held"), signal.SIGKILL)
    leaving = stage.submit(note, folder / "log", "x", 3)
    endless = stage.submit(spin, folder / "spun")
    after = stage.submit(whoami)
    outcomes = stage.wait(24)
    assert outcomes[killed.id] == Crashed("killed by SIGKILL")
    assert outcomes[leaving.id] == Crashed("exited with status 3")
    failed = outcomes[endless.id]
    assert isinstance(failed, Failed)
    assert failed.failure.error.startswith("TimeLimitExceeded")
    assert [value(outcomes[job.id]) for job in innocents] == [n + 1 for n in range(20)]
    assert [value(outcomes[after.id])] == children_of(stage.server.pid)
    stage.end()


@alone
def test_signals_to_the_whole_group_end_no_child_whenever_they_come(folder):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the worker's own handlers
    stage = Stage(seats=1, spawn=True)
    job = stage.submit(hold, folder / "held")
    while not (folder / "held").exists():  # from its first instruction on
        os.killpg(0, signal.SIGINT)
        os.killpg(0, signal.SIGTERM)
    (child,) = children_of(stage.server.pid)
    eventually(lambda: stage.pool.processes)
    go(folder / "held")
    assert value(stage.wait(1)[job.id]) == "held"
    assert stage.pool.processes == [child] == [pid_in(folder / "held")]
    stage.end()

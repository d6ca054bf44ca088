"""The prefork pool while all goes well; what happens when processes die is in test_prefork_deaths."""

import os
import pathlib
import random
import signal

import pytest

from sqlqueue.domain.limits import Limits
from sqlqueue.domain.outcome import Failed, Retried, Returned, Succeeded
from sqlqueue.errors import ConfigError
from tests.services.prefork_stage import (
    SOON,
    Stage,
    add,
    again,
    alone,
    children_of,
    eventually,
    fail,
    go,
    hold,
    maybe_hold,
    nap,
    pid_in,
    read_stdin,
    start_a_program,
    value,
    whoami,
)  # fmt: skip


@alone
def test_every_kind_of_outcome_comes_back_as_it_was(folder):
    stage = Stage()
    jobs = [stage.job(add, 2, 3), stage.job(fail, "no"), stage.job(again, 7), stage.job(add, 1, 1)]
    jobs[3] = jobs[3]._replace(task="nobody.knows")
    stage.pool.submit(jobs)
    added, failed, retried, returned = (stage.wait(4)[job.id] for job in jobs)
    assert value(added) == 5
    assert isinstance(failed, Failed)
    assert failed.failure.error == "ValueError: no"
    assert "raise ValueError(message)" in str(failed.failure.traceback)
    assert isinstance(retried, Retried)
    assert retried.delay == 7.0
    assert isinstance(returned, Returned)
    assert {job for job, _ in stage.reported} == set(jobs)
    stage.end()


@alone
def test_many_jobs_are_shared_by_the_children(folder):
    stage = Stage(seats=2)
    jobs = [stage.job(whoami) for _ in range(20_000)]
    for start in range(0, len(jobs), 500):
        stage.pool.submit(jobs[start : start + 500])
    outcomes = stage.wait(len(jobs))
    assert len({value(outcome) for outcome in outcomes.values()}) == 2
    stage.end()


@alone
def test_large_arguments_and_results_do_not_block_the_parent(folder):
    stage = Stage(seats=2)
    jobs = [stage.job(add, "x" * 500_000, "y" * 500_000) for _ in range(20)]
    stage.pool.submit(jobs)
    assert {len(value(outcome)) for outcome in stage.wait(20).values()} == {1_000_000}
    stage.end()


@alone
def test_taken_back_jobs_never_run_and_all_others_do(folder):
    stage, chance = Stage(seats=2), random.Random(7)
    taken, submitted = [], 0
    for _ in range(600):
        batch = [stage.job(add, 1, stage.seq) for _ in range(chance.randrange(1, 120))]
        submitted += len(batch)
        stage.pool.submit(batch)
        if chance.random() < 0.8:
            seen = len(stage.reported) + chance.randrange(0, 20)
            eventually(lambda: len(stage.reported) >= seen or not stage.pool.load)  # noqa: B023 - called at once
        taken += stage.pool.take_back()
    eventually(lambda: not stage.pool.load)
    stage.end()
    back, ran = {job.id for job in taken}, stage.outcomes().keys()
    assert len(back) == len(taken)
    assert all(value(outcome) == int(job.id) for job, outcome in stage.reported)  # its own, not its neighbour's
    assert not back & ran
    assert len(back) + len(ran) == submitted == stage.seq
    assert back
    assert ran


@alone
def test_a_running_job_cannot_be_taken_back(folder):
    stage = Stage(seats=1)
    running = stage.submit(hold, folder / "held")
    pid_in(folder / "held")
    behind = [stage.submit(add, 1, 1) for _ in range(3)]
    assert stage.pool.take_back() == behind
    assert (stage.pool.load, stage.pool.running) == (1, 1)
    assert stage.pool.stuck_since() is not None
    after = stage.submit(add, 2, 2)
    go(folder / "held")
    outcomes = stage.wait(2)
    assert value(outcomes[running.id]) == "held"
    assert value(outcomes[after.id]) == 4
    stage.end()


@alone
def test_a_long_job_holds_up_nobody_while_another_child_is_idle(folder):
    stage = Stage(seats=2)
    jobs = [stage.job(add, 1, 1) for _ in range(2000)]
    stage.pool.submit(jobs)
    stage.wait(2000)  # the windows are wide now
    late = [stage.job(hold, folder / "held"), *(stage.job(add, 1, 1) for _ in range(100))]
    stage.pool.submit(late)
    outcomes = stage.wait(2100)
    assert late[0].id not in outcomes
    assert stage.pool.running == 1
    assert stage.pool.stuck_since() is None, "a slot is free"
    go(folder / "held")
    stage.wait(2101)
    eventually(lambda: stage.pool.running == 0)
    stage.end()


@alone
def test_an_outcome_does_not_wait_for_a_quick_task_that_is_slow_for_once(folder):
    stage = Stage(seats=1)
    jobs = [stage.job(maybe_hold, "") for _ in range(500)]
    stage.pool.submit(jobs)
    stage.wait(500)
    stage.pool.submit([*(stage.job(maybe_hold, "") for _ in range(10)), stage.job(maybe_hold, folder / "held")])
    stage.wait(510)
    assert stage.pool.load == 1
    go(folder / "held")
    stage.wait(511)
    stage.end()


@alone
def test_stop_lets_the_running_job_finish_and_leaves_nothing_behind(folder):
    descriptors = len(list(pathlib.Path("/proc/self/fd").iterdir()))
    stage = Stage(seats=2)
    running = stage.submit(hold, folder / "held")
    pid_in(folder / "held")
    other = stage.submit(hold, folder / "other")
    pid_in(folder / "other")
    behind = [stage.submit(add, 1, 1) for _ in range(5)]
    stage.pool.stop()
    assert not stage.pool.join(0)
    go(folder / "held")
    go(folder / "other")
    assert stage.pool.join(SOON)
    assert {value(o) for o in stage.outcomes().values()} == {"held"}
    assert stage.outcomes().keys() == {running.id, other.id}
    assert sorted(stage.pool.take_back()) == sorted(behind)
    assert stage.pool.load == 0
    assert stage.pool.running == 0
    assert len(list(pathlib.Path("/proc/self/fd").iterdir())) == descriptors
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@alone
def test_a_child_is_replaced_after_so_many_jobs(folder):
    stage = Stage(seats=1, max_tasks=10)
    jobs = [stage.job(whoami) for _ in range(100)]
    stage.pool.submit(jobs)
    outcomes = stage.wait(100)
    pids = [value(outcomes[job.id]) for job in jobs]
    assert len(set(pids)) == 10
    assert max(pids.count(pid) for pid in pids) == 10
    stage.end()


@alone
def test_signals_to_the_whole_group_end_no_job(folder):
    stage = Stage(seats=2)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the worker's own handlers
    job = stage.submit(hold, folder / "held")
    pid_in(folder / "held")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        os.killpg(0, number)
    go(folder / "held")
    assert value(stage.wait(1)[job.id]) == "held"
    assert isinstance(stage.wait(1)[job.id], Succeeded)
    stage.end()


@alone
def test_what_a_task_starts_can_be_terminated_and_its_stdin_is_empty(folder):
    stage = Stage(seats=1)
    job = stage.submit(start_a_program, folder / "program")
    os.kill(pid_in(folder / "program"), signal.SIGTERM)
    empty = stage.submit(read_stdin)
    outcomes = stage.wait(2)
    assert value(outcomes[job.id]) == -signal.SIGTERM
    assert value(outcomes[empty.id]) == ""
    stage.end()


@alone
def test_an_idle_pool_sleeps(folder):
    stage = Stage(seats=2)
    stage.submit(add, 1, 1)
    stage.wait(1)
    eventually(lambda: stage.pool._rest is None)
    stage.submit(hold, folder / "held")
    pid_in(folder / "held")
    eventually(lambda: stage.pool._rest is None)
    go(folder / "held")
    stage.wait(2)
    stage.end()


@alone
def test_the_pool_grows_and_shrinks_and_no_job_suffers(folder):
    stage = Stage(seats=1, most=3)
    held = [stage.submit(hold, folder / name) for name in "abc"]
    pid_in(folder / "a")
    stage.pool.resize(3)
    pid_in(folder / "b")
    pid_in(folder / "c")
    assert stage.pool.stuck_since() is not None
    stage.pool.resize(1)
    behind = [stage.submit(add, 1, n) for n in range(50)]
    go(folder / "a")
    go(folder / "b")
    go(folder / "c")
    outcomes = stage.wait(53)
    assert {value(outcomes[job.id]) for job in held} == {"held"}
    assert [value(outcomes[job.id]) for job in behind] == [n + 1 for n in range(50)]
    eventually(lambda: len(children_of(stage.server.pid)) == 1)
    with pytest.raises(ConfigError, match="room for 3 processes, not for 4"):
        stage.pool.resize(4)
    stage.end()


@alone
def test_a_limit_ends_the_job_that_is_over_it_and_no_other(folder):
    """Jobs that end about when they are warned and killed; the next one is unharmed."""
    stage = Stage(seats=2)
    stage.pool.limits.set("nap", Limits(soft=0.02, hard=0.022))
    jobs = [stage.job(nap, 0.0185 + 0.0001 * (n % 40)) for n in range(80)]
    quick = [stage.job(add, 1, n) for n in range(80)]
    stage.pool.submit([job for pair in zip(jobs, quick, strict=True) for job in pair])
    outcomes = stage.wait(160)
    assert [value(outcomes[job.id]) for job in quick] == [n + 1 for n in range(80)]
    errors = {outcome.failure.error.split(":")[0] for outcome in outcomes.values() if isinstance(outcome, Failed)}
    assert errors, "the limits hit some of them"
    assert errors <= {"SoftTimeLimitExceeded", "TimeLimitExceeded"}
    assert all(isinstance(outcome, Failed | Succeeded) for outcome in outcomes.values())
    stage.end()

"""unique: one job at a time has a key, whoever sends; what a conflict means; windows."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sqlqueue.domain.job import Conflict, Unique
from sqlqueue.domain.settlement import Finish, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.ops.prune import prune
from sqlqueue.store.ops.unique import enqueue_keyed, enqueue_unique
from tests.support.jobs import finish, new_job, send, take
from tests.support.runners import Runner

KEY = "sync \"7\" 'ä' %s :x"


def put(runner, *, key=KEY, seconds=None, conflict=Conflict.IGNORE, **values):
    job = new_job(**values)
    return job, runner.run(enqueue_unique, job, Unique(key, seconds, conflict))


def count(runner):
    return runner.rows("SELECT count(*) AS n FROM sqlqueue_jobs")[0]["n"]


def test_a_free_key_is_taken(runner):
    job, kept = put(runner, args="[1]")
    row = runner.job(job.id)
    assert (kept.id, kept.new, row["unique_key"], row["state"]) == (job.id, True, KEY, "ready")
    assert [(placed.id, placed.seq) for placed in kept.placed] == [(job.id, row["seq"])]


@pytest.mark.parametrize("conflict", [Conflict.IGNORE, Conflict.RAISE])
def test_while_its_job_waits_or_runs_the_key_is_taken(runner, conflict):
    first, _ = put(runner)
    for _ in range(2):
        _, kept = put(runner, conflict=conflict)
        assert kept == (first.id, [], False)
        take(runner)
    assert count(runner) == 1


def test_other_keys_and_no_key_are_free(runner):
    put(runner)
    assert put(runner, key="another")[1].new
    assert count(runner) == 2


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_when_its_job_is_over_the_key_is_free(runner, outcome):
    put(runner)
    (job,) = take(runner)
    send(runner, job, Finish(job.id, State(outcome)))
    again, kept = put(runner)
    assert (kept.id, kept.new) == (again.id, True)


def test_a_job_between_two_tries_keeps_its_key(runner):
    first, _ = put(runner)
    (job,) = take(runner)
    send(runner, job, Reschedule(job.id, 60.0, 1, "E: no"))
    assert put(runner)[1].id == first.id


def test_a_waiting_job_is_replaced_and_keeps_its_id_and_its_place(runner):
    first, taken = put(runner, args="[1]")
    new_place = put(runner, key="between")[1].placed[0].seq
    _, kept = put(runner, args="[2]", conflict=Conflict.REPLACE, headers='{"h":1}')
    assert (kept.id, kept.new, kept.placed[0].seq) == (first.id, False, taken.placed[0].seq)
    assert kept.placed[0].seq < new_place
    jobs = take(runner)
    assert (jobs[0].id, jobs[0].args) == (first.id, "[2]")
    assert jobs[0].headers == '{"h":1}'


def test_a_replaced_job_waits_as_the_new_call_says(runner):
    """So a call with a countdown is put off by each one after it: debounce."""
    first, _ = put(runner, delay=30.0, args="[1]")
    _, kept = put(runner, delay=90.0, args="[2]", conflict=Conflict.REPLACE)
    assert (kept.id, kept.placed[0].seq) == (first.id, None)
    assert take(runner) == []
    _, kept = put(runner, args="[3]", queue="other", priority=4, conflict=Conflict.REPLACE)
    row = runner.job(first.id)
    assert (row["state"], row["queue"], row["priority"]) == ("ready", "other", 4)
    assert row["seq"] == kept.placed[0].seq
    _, kept = put(runner, delay=30.0, conflict=Conflict.REPLACE)
    assert (runner.job(first.id)["state"], runner.job(first.id)["seq"]) == ("scheduled", None)


def test_a_running_job_goes_on_without_the_key_that_is_wanted_for_another_call(runner):
    put(runner, args="[1]")
    (running,) = take(runner)
    second, kept = put(runner, args="[2]", conflict=Conflict.REPLACE)
    assert (kept.id, kept.new) == (second.id, True)
    assert runner.job(running.id)["unique_key"] is None
    assert finish(runner, running).ids == {running.id}
    assert put(runner)[1].id == second.id


def test_a_window_outlives_its_job(runner):
    first, kept = put(runner, seconds=3600.0)
    assert kept.new
    finish(runner, *take(runner))
    _, kept = put(runner, seconds=3600.0)
    assert kept == (first.id, [], False)
    assert count(runner) == 0
    assert put(runner)[1].new, "who asks for no window is bound by none"


def test_a_window_that_is_over_is_no_hindrance(runner):
    put(runner, seconds=-1.0)
    finish(runner, *take(runner))
    second, kept = put(runner, seconds=3600.0)
    assert (kept.id, kept.new) == (second.id, True)
    runner.rows("UPDATE sqlqueue_windows SET until = '2001-01-01 00:00:00.000000+00:00'")
    runner.run(prune, 3600.0)
    assert runner.rows("SELECT * FROM sqlqueue_windows") == []


def test_a_job_sent_again_because_nobody_knows_is_one_job(runner):
    """Its connection broke: the first insert may have been committed, and the job may even be over."""
    job, _ = put(runner)
    again = job._replace(given_id=True)
    assert runner.run(enqueue_unique, again, Unique(KEY, None, Conflict.RAISE)) == (job.id, [], True)
    finish(runner, *take(runner))
    assert runner.run(enqueue_unique, again, Unique(KEY)) == (job.id, [], True)
    assert count(runner) == 0


def test_so_are_many_that_are_sent_all_or_none(runner):
    jobs = [new_job()._replace(unique=Unique(key, 60, Conflict.RAISE), given_id=True) for key in (KEY, "another")]

    def sent():
        return [(kept.id, kept.new) for kept in runner.run(enqueue_keyed, jobs)]

    assert sent() == sent() == [(job.id, True) for job in jobs]
    assert count(runner) == 2
    finish(runner, *take(runner))
    assert sent() == [(job.id, True) for job in jobs]


@pytest.mark.parametrize("conflict", [Conflict.IGNORE, Conflict.REPLACE])
def test_of_many_senders_at_a_time_one_wins(worker_runner, conflict):
    runner, ready = worker_runner, threading.Barrier(4)

    def sender(number):
        mine = Runner(runner.kind, runner.url)
        try:
            ready.wait(20)
            return [put(mine, args=f"[{number},{turn}]", conflict=conflict)[1] for turn in range(10)]
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        kept = [one for made in pool.map(sender, range(4)) for one in made]
    assert sum(one.new for one in kept) == 1
    assert len({one.id for one in kept}) == 1
    assert count(runner) == 1

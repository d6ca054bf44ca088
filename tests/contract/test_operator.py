"""What an operator does: list, show, retry by hand, forget, purge, pause."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.domain.which import EVERY, Which
from sqlqueue.store.ops.forget import forget
from sqlqueue.store.ops.jobs import LAST, list_jobs, show_job
from sqlqueue.store.ops.purge import purge
from sqlqueue.store.ops.queues import counts, pause, paused, resume
from sqlqueue.store.ops.rescue import rescue
from sqlqueue.store.ops.retry import retry
from sqlqueue.store.ops.revoke import revoke
from tests.support.jobs import ME, OTHER, QUEUE, finish, new_job, put, put_many, send, sign_on, take, take_one


def fail(runner, error="ValueError: no", **values):
    job = take_one(runner, **values)
    send(runner, job, Finish(job.id, State.FAILED, None, 0.5, Failure(error, None, "Traceback ..."), job.crashes))
    return job


def history(runner, job_id):
    return runner.run(show_job, job_id).history


# --- retry by hand ---


def test_a_failed_job_runs_again_under_a_higher_token(runner):
    job = fail(runner, args="[1]", headers='{"h":1}', acks_late=False, max_crashes=7, options='{"o":1}', group_id="g")
    (placed,) = runner.run(retry, Which(ids=[job.id]))
    assert (placed.id, placed.queue, placed.priority) == (job.id, QUEUE, 0)
    assert placed.seq > job.seq
    assert runner.rows("SELECT * FROM sqlqueue_results") == []
    (again,) = take(runner, OTHER)
    assert again._replace(seq=0, token=0, moments=None) == job._replace(seq=0, token=0)
    assert again.moments, "due from the moment of the retry on"
    assert again.token > job.token + 1
    assert (again.attempt, again.retries, again.crashes) == (1, 0, 0)


def test_whoever_held_it_before_changes_nothing(runner):
    job = fail(runner)
    runner.run(retry, Which(ids=[job.id]))
    (again,) = take(runner, ME)
    assert finish(runner, job).ids == set()
    assert finish(runner, again).ids == {job.id}


def test_a_revoked_job_may_run_again(runner):
    (job_id,) = put_many(runner, 1)
    runner.run(revoke, Which(ids=[job_id]))
    assert [one.id for one in runner.run(retry, Which(ids=[job_id]))] == [job_id]
    (job,) = take(runner)
    assert send(runner, job, Reschedule(job.id, 0.0, 1, "E: again")).waiting, "it is not revoked any more"


def test_what_succeeded_or_is_not_over_is_left_alone(runner):
    done, running = take_one(runner), None
    finish(runner, done)
    running = take_one(runner)
    (waiting,) = put_many(runner, 1)
    before = runner.rows("SELECT * FROM sqlqueue_jobs ORDER BY id")
    assert runner.run(retry, Which(ids=[done.id, running.id, waiting, "no such job"])) == []
    assert runner.run(retry, EVERY) == []
    assert runner.rows("SELECT * FROM sqlqueue_jobs ORDER BY id") == before
    assert runner.result(done.id)["state"] == "succeeded"


def test_an_id_that_is_a_job_again_is_left_alone(runner):
    job = fail(runner)
    runner.rows(
        "INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs)"
        " VALUES (:id, 1, 'q', 'ready', 't', '[]', '{}')",
        id=job.id,
    )
    assert runner.run(retry, Which(ids=[job.id])) == []
    assert runner.result(job.id)["state"] == "failed"


def test_by_filter_in_batches_in_the_order_of_their_end(runner):
    first, second, third = fail(runner), fail(runner), fail(runner, "KeyError: x")
    fail(runner, task="other")
    which = Which(state=State.FAILED, task="shop.add")
    met = [runner.run(retry, which, 2) for _ in range(3)]
    assert [len(batch) for batch in met] == [2, 1, 0]
    assert [job.id for job in take(runner)] == [first.id, second.id, third.id]
    assert len(runner.rows("SELECT * FROM sqlqueue_results")) == 1


def test_by_error_and_moment(runner):
    fail(runner)
    job = fail(runner, "KeyError: 'x%_'")
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))  # noqa: TID251
    assert runner.run(retry, Which(error="x%_", since=future)) == []
    assert [one.id for one in runner.run(retry, Which(error="x%_", since=past))] == [job.id]


# --- history ---


def test_every_attempt_that_failed_is_remembered(runner):
    sign_on(runner)
    job = take_one(runner, max_crashes=9)
    assert history(runner, job.id) == []
    send(runner, job, Reschedule(job.id, 0.0, 1, "E: one's %s :x", 0.25))
    (job,) = take(runner)
    send(runner, job, GiveBack(job.id, started=False))
    (job,) = take(runner)
    send(runner, job, GiveBack(job.id, started=True, crashes=1, error="WorkerLost: killed"))
    (job,) = take(runner)
    runner.run(rescue, ME, "host lost")
    (job,) = take(runner, OTHER)
    finish(runner, job, worker=OTHER)
    past = history(runner, job.id)
    wanted = [(1, 0.25, "E: one's %s :x"), (2, None, "WorkerLost: killed"), (3, None, "WorkerLost: host lost")]
    assert [(one["attempt"], one["runtime"], one["error"]) for one in past] == wanted
    assert {one["worker"] for one in past} == {ME}
    assert all(one["claimed_at"] <= one["ended_at"] for one in past)
    assert runner.result(job.id)["attempt"] == 4


def test_a_retry_by_hand_remembers_how_it_ended(runner):
    job = fail(runner)
    runner.run(retry, Which(ids=[job.id]))
    (one,) = history(runner, job.id)
    assert (one["attempt"], one["error"], one["runtime"], one["worker"]) == (1, "ValueError: no", 0.5, ME)


def test_of_very_many_attempts_the_latest_are_remembered(runner):
    job = take_one(runner)
    for number in range(102):
        send(runner, job, Reschedule(job.id, 0.0, number + 1, f"E: {number}"))
        (job,) = take(runner)
    past = history(runner, job.id)
    assert (len(past), past[0]["error"], past[-1]["error"]) == (100, "E: 2", "E: 101")


def test_a_job_that_succeeds_at_once_has_none(runner):
    job = take_one(runner)
    finish(runner, job)
    assert runner.result(job.id)["history"] is None


# --- list and show ---


def test_jobs_are_listed_newest_first_page_by_page(runner):
    sign_on(runner)
    done = take_one(runner)
    finish(runner, done)
    running = take_one(runner)
    waiting = put_many(runner, 2)
    wanted = [*reversed(waiting), running.id, done.id]
    assert [row.id for row in runner.run(list_jobs, EVERY)] == wanted
    page = runner.run(list_jobs, EVERY, 3)
    rest = runner.run(list_jobs, EVERY, 3, page[-1].id)
    assert [row.id for row in (*page, *rest)] == wanted
    assert [row.state for row in (*page, *rest)] == ["ready", "ready", "running", "succeeded"]
    assert (rest[0].worker, rest[0].runtime, rest[0].attempt) == ("test-worker1", 0.25, 1)
    assert page[0].created_at.tzinfo is not None


@pytest.mark.parametrize("state", ["ready", "running", "succeeded", "failed", "scheduled"])
def test_jobs_are_listed_by_state(runner, state):
    finish(runner, take_one(runner))
    fail(runner)
    take_one(runner)
    put_many(runner, 1)
    put_many(runner, 1, delay=60.0)
    (row,) = runner.run(list_jobs, Which(state=State(state)))
    assert row.state == state


def test_a_job_is_shown_in_full_whatever_its_state(runner):
    assert runner.run(show_job, "no such job") is None
    sign_on(runner)
    (job_id,) = put_many(runner, 1, headers='{"h":1}', expires=60.0, root_id="r", max_crashes=5)
    shown = runner.run(show_job, job_id)
    assert (shown.job.state, shown.root_id, shown.max_crashes, shown.acks_late) == ("ready", "r", 5, True)
    assert json.loads(shown.headers) == {"h": 1}
    assert shown.expires_at > shown.job.created_at
    (job,) = take(runner)
    runner.run(revoke, Which(ids=[job_id]))
    assert (runner.run(show_job, job_id).job.worker, runner.run(show_job, job_id).revoked) == ("test-worker1", True)
    finish(runner, job)
    shown = runner.run(show_job, job_id)
    assert (shown.job.state, shown.result, shown.revoked, shown.expires_at) == ("succeeded", "5", False, None)


# --- forget and purge ---


def test_a_forgotten_result_is_gone_and_a_job_is_not(runner):
    job = take_one(runner)
    finish(runner, job)
    (waiting,) = put_many(runner, 1)
    assert runner.run(forget, [job.id, waiting, "no such job"]) == [job.id]
    assert runner.rows("SELECT * FROM sqlqueue_results") == []
    assert runner.job(waiting)["state"] == "ready"


def test_purging_throws_away_what_waits_in_these_queues(runner):
    running = take_one(runner)
    put_many(runner, 3)
    put_many(runner, 2, delay=60.0)
    put(runner, new_job(queue="others"))
    assert [runner.run(purge, [QUEUE, "none"], 4).jobs for _ in range(3)] == [4, 1, 0]
    left = {row["id"]: row["queue"] for row in runner.rows("SELECT id, queue FROM sqlqueue_jobs")}
    assert left.pop(running.id) == QUEUE
    assert list(left.values()) == ["others"]
    assert runner.rows("SELECT * FROM sqlqueue_results") == []


# --- queues ---


def test_queues_are_paused_and_resumed(runner):
    assert runner.run(paused) == {}
    assert runner.run(resume, "a") is False
    runner.run(pause, "a")
    (since,) = runner.run(paused).values()
    runner.run(pause, "a")
    runner.run(pause, "b")
    assert runner.run(paused) == {"a": since, "b": runner.run(paused)["b"]}
    assert (runner.run(resume, "a"), runner.run(resume, "a")) == (True, False)
    assert list(runner.run(paused)) == ["b"]


def test_what_waits_is_counted(runner):
    take_one(runner)
    put_many(runner, 2)
    put_many(runner, 1, delay=60.0)
    put(runner, new_job(task="bill"))
    found = {(one.queue, one.task, one.state): one for one in runner.run(counts)}
    assert {key[1:]: one.jobs for key, one in found.items()} == {
        ("shop.add", "running"): 1,
        ("shop.add", "ready"): 2,
        ("shop.add", "scheduled"): 1,
        ("bill", "ready"): 1,
    }
    assert all(0 <= one.oldest < 60 for one in found.values())


def test_a_list_of_given_jobs(runner):
    some = put_many(runner, 3)
    wanted = [some[0], some[2], "no such job"]
    assert {row.id for row in runner.run(list_jobs, Which(ids=wanted), 10, LAST)} == {some[0], some[2]}
    assert runner.run(list_jobs, Which(ids=[]), 10, LAST) == []
    assert {row.id for row in runner.run(list_jobs, Which(ids=wanted, task="other"), 10, LAST)} == set()

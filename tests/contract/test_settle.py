"""settle: a finished job moves to the results, with everything known about it."""

import json

import pytest

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish, GiveBack
from sqlqueue.domain.states import State
from sqlqueue.store.ops.settle import settle
from tests.support.jobs import ME, finish, new_job, put, put_many, send, take, take_one

CARRIED = ("id", "queue", "priority", "task", "args", "kwargs", "headers", "options", "parent_id", "root_id",
           "group_id", "created_at", "run_at", "acks_late", "max_crashes",
           "claimed_at", "attempt", "retries", "claim_token", "worker")  # fmt: skip


def test_a_finished_job_moves_to_the_results(runner):
    family = {"parent_id": "p", "root_id": "r", "group_id": "g"}
    plain = {"args": '[1,"ä"]', "kwargs": '{"x":2}', "headers": '{"h":1}', "options": '{"o":4}'}
    job = take_one(runner, **plain, **family, acks_late=False, max_crashes=9)
    before = runner.job(job.id)
    settled = send(runner, job, Finish(job.id, State.SUCCEEDED, '{"sum":5}', 0.25))
    assert (settled.ids, settled.waiting) == ({job.id}, [])
    assert runner.rows("SELECT * FROM sqlqueue_jobs") == []
    row = runner.result(job.id)
    assert {column: row[column] for column in CARRIED} == {column: before[column] for column in CARRIED}
    assert (row["state"], row["runtime"], row["crashes"]) == ("succeeded", 0.25, 0)
    assert (row["error"], row["exception"], row["traceback"]) == (None, None, None)
    assert as_value(row["result"]) == {"sum": 5}


def test_the_moment_it_finished_is_the_databases(runner):
    job = take_one(runner)
    finish(runner, job)
    (row,) = runner.rows("SELECT finished_at >= claimed_at AND claimed_at >= created_at AS sane FROM sqlqueue_results")
    assert row["sane"]


def test_a_failed_job_keeps_error_exception_and_traceback(runner):
    job = take_one(runner)
    exception = json.dumps({"module": "builtins", "name": "ValueError", "args": ["no 'ä' %s :x"]})
    failure = Failure("ValueError: no 'ä' %s :x", exception, 'Traceback\n  File "x", line 1\nValueError: no')
    send(runner, job, Finish(job.id, State.FAILED, None, 1.5, failure, 2))
    row = runner.result(job.id)
    assert (row["state"], row["error"], row["traceback"]) == ("failed", failure.error, failure.traceback)
    assert as_value(row["exception"]) == json.loads(exception)
    assert (row["result"], row["runtime"], row["crashes"]) == (None, 1.5, 2)


def test_a_success_may_have_no_runtime_and_no_result(runner):
    job = take_one(runner)
    assert send(runner, job, Finish(job.id, State.SUCCEEDED)).ids == {job.id}
    row = runner.result(job.id)
    assert (row["state"], row["runtime"], row["result"]) == ("succeeded", None, None)


def test_a_success_keeps_the_crashes_of_its_job(runner):
    job = take_one(runner)
    send(runner, job, GiveBack(job.id, started=True, crashes=2))
    (again,) = take(runner)
    send(runner, again, Finish(job.id, State.SUCCEEDED, "1", 0.1, None, again.crashes))
    assert runner.result(job.id)["crashes"] == 2


def test_a_revoked_job_has_no_runtime(runner):
    job = take_one(runner)
    send(runner, job, Finish(job.id, State.REVOKED, None, None, Failure("expired")))
    row = runner.result(job.id)
    assert (row["state"], row["error"], row["runtime"]) == ("revoked", "expired", None)


@pytest.mark.parametrize("result", [None, "null", "0", '""', "[]", "1e400", '"ä\\n\\u20ac"', str(10**40), "-0.0"])
def test_any_result_comes_out_as_it_went_in(runner, result):
    job = take_one(runner)
    send(runner, job, Finish(job.id, State.SUCCEEDED, result, 0.0))
    (row,) = runner.rows("SELECT CAST(result AS text) AS result FROM sqlqueue_results")
    assert row["result"] == result


def test_a_batch_of_all_kinds_is_settled_together(runner):
    put_many(runner, 6)
    jobs = take(runner)
    done = [
        Finish(job.id, state, result, 0.5, failure)
        for job, (state, result, failure) in zip(
            jobs,
            [(State.SUCCEEDED, "1", None), (State.FAILED, None, Failure("E: x", "{}", "t"))] * 3,
            strict=True,
        )
    ]
    assert runner.run(settle, ME, done, {job.id: job.token for job in jobs}).ids == {job.id for job in jobs}
    states = [runner.result(job.id)["state"] for job in jobs]
    assert states == ["succeeded", "failed"] * 3


def test_a_large_batch_is_settled_whole(runner):
    ids = put_many(runner, 500)
    jobs = take(runner, at_most=500)
    assert finish(runner, *jobs).ids == set(ids)
    assert len(runner.rows("SELECT 1 AS one FROM sqlqueue_results")) == 500


def test_settling_nothing_is_harmless(runner):
    job = take_one(runner)
    assert runner.run(settle, ME, [], {}).ids == set()
    assert runner.job(job.id)["state"] == "running"


def test_other_jobs_are_left_alone(runner):
    put_many(runner, 3)
    first, *others = take(runner)
    put(runner, waiting := new_job())
    finish(runner, first)
    assert {runner.job(job.id)["state"] for job in others} == {"running"}
    assert runner.job(waiting.id)["state"] == "ready"


def as_value(stored):
    return json.loads(stored) if isinstance(stored, str) else stored

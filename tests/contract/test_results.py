"""finished, look_up and the view: what became of a job."""

import json
from datetime import UTC, timedelta

import pytest

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.ops.results import finished, look_up
from tests.support.jobs import ME, QUEUE, finish, new_job, put, put_many, send, sign_on, take, take_one


def test_nobody_knows_an_unknown_id(runner):
    assert runner.run(look_up, "no such job") is None
    assert runner.run(finished, ["no such job"]) == []


@pytest.mark.parametrize("id_", ["a\0b", "\ud800", ""])
def test_an_id_that_no_column_can_hold_is_unknown_and_hides_no_other(runner, id_):
    job = take_one(runner)
    finish(runner, job)
    assert runner.run(look_up, id_) is None
    assert [record.id for record in runner.run(finished, [id_, job.id])] == [job.id]


def test_a_job_is_looked_up_all_its_life_long(runner):
    put(runner, job := new_job(delay=None))
    assert runner.run(look_up, job.id)[:5] == (job.id, State.READY, "shop.add", QUEUE, 0)
    (claimed,) = take(runner)
    assert runner.run(look_up, job.id).state is State.RUNNING
    send(runner, claimed, Reschedule(job.id, 60.0, 1, "E: no"))
    found = runner.run(look_up, job.id)
    assert (found.state, found.retries, found.error, found.finished_at) == (State.SCHEDULED, 1, "E: no", None)


def test_a_success_is_read_back(runner):
    job = take_one(runner)
    send(runner, job, Finish(job.id, State.SUCCEEDED, '{"ä":[1.5,null]}', 0.25))
    found = runner.run(look_up, job.id)
    assert (found.state, found.runtime, found.error, found.traceback) == (State.SUCCEEDED, 0.25, None, None)
    assert json.loads(found.result) == {"ä": [1.5, None]}
    assert found.finished_at.utcoffset() == timedelta(0)
    assert found.finished_at.tzinfo is UTC
    assert abs(SYSTEM_CLOCK.now() - found.finished_at) < timedelta(seconds=30)


def test_a_failure_is_read_back(runner):
    job = take_one(runner)
    failure = Failure("ValueError: no", '{"module":"builtins","name":"ValueError","args":["no"]}', "Traceback ...")
    send(runner, job, Finish(job.id, State.FAILED, None, 0.5, failure))
    found = runner.run(look_up, job.id)
    assert (found.state, found.result) == (State.FAILED, None)
    assert Failure(found.error, found.exception, found.traceback) == failure


def test_only_the_finished_ones_of_many_are_returned(runner):
    put_many(runner, 300)
    jobs = take(runner)
    finish(runner, *jobs[:250])
    found = runner.run(finished, [job.id for job in jobs] + ["unknown"])
    assert {record.id for record in found} == {job.id for job in jobs[:250]}
    assert {record.result for record in found} == {"5"}


def test_the_view_shows_every_job(runner):
    sign_on(runner, name="w1")
    put_many(runner, 3)
    done, running, retried = take(runner)
    finish(runner, done)
    send(runner, retried, Reschedule(retried.id, 60.0, 1, "E: no"))
    (waiting,) = put_many(runner, 1, queue="other", priority=5)
    rows = {row["id"]: row for row in runner.rows("SELECT * FROM sqlqueue_all_jobs")}
    assert {job_id: row["state"] for job_id, row in rows.items()} == {
        done.id: "succeeded", running.id: "running", retried.id: "scheduled", waiting: "ready",
    }  # fmt: skip
    assert {job_id: row["worker_name"] for job_id, row in rows.items()} == {
        done.id: "w1", running.id: "w1", retried.id: None, waiting: None,
    }  # fmt: skip
    assert (rows[waiting]["queue"], rows[waiting]["priority"]) == ("other", 5)
    assert (str(rows[running.id]["worker"]), rows[retried.id]["error"]) == (ME, "E: no")
    assert int(rows[done.id]["result"]) == 5
    assert rows[done.id]["finished_at"] is not None
    assert rows[running.id]["finished_at"] is None

"""tell: what a running task tells of itself, beside its job's row; the fence is the claim's token."""

import json

import pytest

from sqlqueue.domain.settlement import GiveBack
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.jobs import list_jobs, show_job
from sqlqueue.store.ops.results import look_up
from sqlqueue.store.ops.told import Told, forget_told, tell
from tests.support.jobs import finish, put_many, send, take, take_one


def shown(runner, job_id):
    record = runner.run(look_up, job_id)
    return record.told, record.meta and json.loads(record.meta)


def test_a_running_job_shows_what_its_run_tells_last(runner):
    job = take_one(runner)
    assert shown(runner, job.id) == (None, None)
    runner.run(tell, [Told(job.id, job.token, "HALF", '{"done":1,"ä":[null]}')])
    assert shown(runner, job.id) == ("HALF", {"done": 1, "ä": [None]})
    runner.run(tell, [Told(job.id, job.token, "DONE", '"nearly"')])
    assert shown(runner, job.id) == ("DONE", "nearly")
    details = runner.run(show_job, job.id)
    assert (details.job.told, json.loads(details.meta)) == ("DONE", "nearly")


def test_lists_and_the_view_show_it_too(runner):
    put_many(runner, 2)
    told, silent = take(runner)
    (waiting,) = put_many(runner, 1)
    runner.run(tell, [Told(told.id, told.token, "HALF", "[1]"), Told(silent.id, silent.token + 1, "LIE", "[2]")])
    wanted = {told.id: "HALF", silent.id: None, waiting: None}
    assert {row.id: row.told for row in runner.run(list_jobs, Which())} == wanted
    rows = {
        row["id"]: row for row in runner.rows("SELECT id, told, CAST(told_meta AS text) AS m FROM sqlqueue_all_jobs")
    }
    assert {id_: row["told"] for id_, row in rows.items()} == wanted
    assert json.loads(rows[told.id]["m"]) == [1]
    finish(runner, told)
    assert {row.id: row.told for row in runner.run(list_jobs, Which())} == wanted | {told.id: None}
    rows = {row["id"]: row["told"] for row in runner.rows("SELECT id, told FROM sqlqueue_all_jobs")}
    assert rows == wanted | {told.id: None}


def test_many_jobs_tell_at_once(runner):
    ids = put_many(runner, 50)
    jobs = take(runner)
    runner.run(tell, [Told(job.id, job.token, f"S{n}", str(n)) for n, job in enumerate(jobs)])
    assert [shown(runner, id_) for id_ in ids] == [(f"S{n}", n) for n in range(50)]


@pytest.mark.parametrize("token", [0, 2])
def test_who_holds_another_claim_is_not_believed(runner, token):
    job = take_one(runner)
    runner.run(tell, [Told(job.id, token, "LIE", "1")])
    assert shown(runner, job.id) == (None, None)


def test_somebody_without_a_claim_may_tell_of_a_running_job_only(runner):
    job = take_one(runner)
    (waiting,) = put_many(runner, 1)
    runner.run(tell, [Told(job.id, None, "SEEN", "1"), Told(waiting, None, "SEEN", "1"), Told("x", None, "SEEN", "1")])
    assert shown(runner, job.id) == ("SEEN", 1)
    assert shown(runner, waiting) == (None, None)
    assert {row["id"] for row in runner.rows("SELECT id FROM sqlqueue_told")}.isdisjoint({waiting, "x"})


def test_the_next_run_starts_afresh_and_an_old_one_cannot_tell_any_more(runner):
    job = take_one(runner)
    runner.run(tell, [Told(job.id, job.token, "HALF", "1")])
    send(runner, job, GiveBack(job.id, started=True))
    assert shown(runner, job.id) == (None, None)
    (again,) = take(runner)
    assert shown(runner, job.id) == (None, None)
    runner.run(tell, [Told(job.id, again.token, "NEW", "2")])
    runner.run(tell, [Told(job.id, job.token, "OLD", "3")])
    assert shown(runner, job.id) == ("NEW", 2)


def test_what_was_told_is_forgotten_when_the_job_is_over(runner):
    job, other = take_one(runner), take_one(runner)
    runner.run(tell, [Told(one.id, one.token, "HALF", "1") for one in (job, other)])
    finish(runner, job)
    assert shown(runner, job.id) == (None, None)
    runner.run(forget_told)
    left = {row["id"] for row in runner.rows("SELECT id FROM sqlqueue_told")}
    assert job.id not in left
    assert other.id in left

"""fail_unknown: a job whose task nobody has known for a while ends as failed; a rolling deploy fails none."""

import json

import pytest

from sqlqueue.domain.settlement import GiveBack
from sqlqueue.store.ops.unknown import fail_unknown, known_elsewhere
from sqlqueue.store.ops.workers import sign_off
from tests.support.jobs import ME, OTHER, STRANGER, new_job, put, send, sign_on, take_one

HOUR = 3600.0
LONG_AGO = "2001-01-01 00:00:00.000000+00:00"
REFUSED = "NotRegistered: no task 'shop.add' here"


def refused(runner, *, created=LONG_AGO):
    """Return the id of a job that a worker handed back because it does not know the task."""
    job = take_one(runner, args="[1]")
    send(runner, job, GiveBack(job.id, started=False, delay=59.0, error=REFUSED))
    if created:
        runner.rows("UPDATE sqlqueue_jobs SET created_at = :then WHERE id = :id", then=created, id=job.id)
    return job.id


def test_who_else_knows_a_task(runner):
    sign_on(runner, ME, tasks=["shop.add"])
    sign_on(runner, OTHER, tasks=["shop.add", "shop.later", 'it\'s "quoted"'])
    sign_on(runner, STRANGER, tasks=["shop.gone"])
    runner.run(sign_off, STRANGER)
    asked = ["shop.later", "shop.gone", "shop.never", 'it\'s "quoted"']
    assert runner.run(known_elsewhere, asked) == {"shop.later", 'it\'s "quoted"'}
    assert runner.run(known_elsewhere, []) == set()


def test_a_job_that_nobody_has_known_for_an_hour_fails(runner):
    job_id = refused(runner)
    assert runner.run(fail_unknown, HOUR) == [job_id]
    assert runner.rows("SELECT id FROM sqlqueue_jobs") == []
    row = runner.result(job_id)
    exception = row["exception"] if isinstance(row["exception"], dict) else json.loads(row["exception"])
    assert (row["state"], row["error"], row["attempt"]) == ("failed", REFUSED, 0)
    assert (exception["module"], exception["name"]) == ("sqlqueue.errors", "NotRegistered")
    assert runner.run(fail_unknown, HOUR) == []


def test_a_young_job_waits(runner):
    job_id = refused(runner, created=None)
    assert runner.run(fail_unknown, HOUR) == []
    assert runner.job(job_id)["state"] == "scheduled"


@pytest.mark.parametrize("stopped", [False, True])
def test_a_job_that_a_worker_knows_or_knew_lately_waits(runner, stopped):
    refused(runner)
    sign_on(runner, tasks=["shop.other", "shop.add"])
    if stopped:
        runner.run(sign_off, ME)
    assert runner.run(fail_unknown, HOUR) == []


def test_a_worker_that_knows_other_tasks_or_stopped_long_ago_does_not_count(runner):
    job_id = refused(runner)
    sign_on(runner, tasks=["shop.added", "add"])
    sign_on(runner, "44444444-4444-4444-8444-444444444444", name="old")
    runner.rows("UPDATE sqlqueue_workers SET stopped_at = :then WHERE name = 'old'", then=LONG_AGO)
    assert runner.run(fail_unknown, HOUR) == [job_id]


def test_jobs_that_wait_for_other_reasons_are_left_alone(runner):
    put(runner, new_job(delay=60.0), new_job())
    runner.rows("UPDATE sqlqueue_jobs SET created_at = :then", then=LONG_AGO)
    assert runner.run(fail_unknown, HOUR) == []
    assert len(runner.rows("SELECT id FROM sqlqueue_jobs")) == 2

"""become: a running job is put behind a workflow and keeps its id, only by the worker that holds it."""

import json

from sqlqueue.domain.settlement import Become, Finish
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import Edge
from sqlqueue.store.ops.become import become
from sqlqueue.store.ops.cycle import Joins, cycle
from sqlqueue.store.ops.enqueue import enqueue
from tests.support.jobs import ME, OTHER, new_job, take, take_one


def workflow(last_id, *others, edges=(), **last):
    """Return the text that a worker is handed: other jobs, and the one that the running job becomes."""
    options = json.dumps({"feeds": True, "takes": "value" if others else "all"})
    rows = [*others, new_job(id=last_id, **{"options": options, "task": "shop.last", "args": "[7]", **last})]
    return json.dumps({"jobs": [row._asdict() for row in rows], "edges": edges})


def put_in_place(runner, job, text, worker=ME):
    return runner.run(cycle, worker, [Become(job.id, text)], {job.id: job.token}, None, (), Joins(()))


def as_value(stored):
    return json.loads(stored) if isinstance(stored, str) else stored


def test_a_job_becomes_another_and_is_claimed_again(runner):
    job = take_one(runner, args="[1]")
    done = put_in_place(runner, job, workflow(job.id, queue="other", priority=3))
    assert (done.settled.ids, [one.id for one in done.released.placed]) == ({job.id}, [job.id])
    row = runner.job(job.id)
    assert (row["state"], row["task"], row["queue"], row["priority"]) == ("ready", "shop.last", "other", 3)
    assert (as_value(row["args"]), row["worker"], row["claim_token"]) == ([7], None, job.token)


def test_a_job_waits_for_those_that_are_put_before_it(runner):
    job = take_one(runner)
    first = new_job(options='{"feeds":true}')
    done = put_in_place(runner, job, workflow(job.id, first, edges=[(job.id, 0, first.id)]))
    assert [one.id for one in done.released.placed] == [first.id]
    assert runner.job(job.id)["state"] == "blocked"
    (started,) = take(runner)
    assert started.id == first.id
    finished = Finish(first.id, State.SUCCEEDED, "3", 0.1)
    released = runner.run(cycle, ME, [finished], {first.id: started.token}, None, (), Joins({first.id})).released
    assert [one.id for one in released.placed] == [job.id]
    assert as_value(runner.job(job.id)["args"]) == [3, 7]


def test_what_waits_for_the_job_waits_on(runner):
    first, second = new_job(options='{"feeds":true}'), new_job(blocked=True, options='{"takes":"value"}')
    runner.run(enqueue, [first, second], None, [Edge(second.id, 0, first.id)])
    (job,) = take(runner)
    put_in_place(runner, job, workflow(job.id))
    assert runner.job(second.id)["state"] == "blocked"
    (again,) = take(runner)
    assert '"feeds"' in str(again.options)
    done = Finish(again.id, State.SUCCEEDED, "9", 0.1)
    released = runner.run(cycle, ME, [done], {again.id: again.token}, None, (), Joins({again.id})).released
    assert [one.id for one in released.placed] == [second.id]


def test_a_revocation_between_two_statements_is_not_overlooked(runner):
    """The cycle has looked for revoked jobs already: the job is left alone, and the next cycle ends it."""
    job = take_one(runner)
    runner.rows("UPDATE sqlqueue_jobs SET revoked = :yes WHERE id = :id", yes=True, id=job.id)
    text = workflow(job.id, new_job(options='{"feeds":true}'))
    assert runner.run(become, ME, [(Become(job.id, text), job.token)]) == ([], [])
    assert (runner.job(job.id)["state"], runner.job(job.id)["task"]) == ("running", job.task)
    assert len(runner.rows("SELECT id FROM sqlqueue_jobs")) == 1
    put_in_place(runner, job, text)
    assert runner.result(job.id)["state"] == "revoked"


def test_only_who_holds_the_job_may_change_it(runner):
    job = take_one(runner)
    other = new_job(options='{"feeds":true}')
    text = workflow(job.id, other, edges=[(job.id, 0, other.id)])
    for stale, worker in ((job._replace(token=job.token + 1), ME), (job, OTHER)):
        done = put_in_place(runner, stale, text, worker)
        assert (done.settled.ids, done.released.placed) == (set(), [])
    assert runner.job(job.id)["state"] == "running"
    assert runner.rows("SELECT id FROM sqlqueue_jobs WHERE id = :id", id=other.id) == []


def test_moments_of_the_new_jobs_are_kept(runner):
    job = take_one(runner)
    later = new_job(options='{"feeds":true}')
    text = json.loads(workflow(job.id, later, edges=[(job.id, 0, later.id)]))
    text["jobs"][0]["run_at"] = "2099-01-01 00:00:00.000000+00:00"
    put_in_place(runner, job, json.dumps(text))
    row = runner.job(later.id)
    assert row["state"] == "scheduled"
    assert str(row["run_at"]).startswith("2099-01-01")

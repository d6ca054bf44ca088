"""release: blocked jobs run, end or vanish when the jobs that they wait for are over."""

import json
from itertools import pairwise

import pytest

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import Edge
from sqlqueue.store.ops.cycle import Joins, cycle
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.release import release_after, sweep
from sqlqueue.store.ops.rescue import rescue
from sqlqueue.store.ops.settle import settle
from tests.support.jobs import ME, new_job, sign_on, take

FEEDS = '{"feeds":true}'
BOOM = Failure(
    "ValueError: boom", json.dumps({"module": "builtins", "name": "ValueError", "args": ["boom"]}), "Traceback"
)


def waiting(takes="value", **values):
    """Return a job that waits for others and says what it takes from them."""
    options = json.dumps({"takes": takes, "feeds": True, **values.pop("more", {})})
    return new_job(blocked=True, options=options, **values)


def plant(runner, jobs, *edges):
    """Insert jobs and the edges between them, each as (dependent, its parents in order)."""
    found = [Edge(after.id, n, before.id) for after, parents in edges for n, before in enumerate(parents)]
    return runner.run(enqueue, jobs, None, found)


def end(runner, job, state=State.SUCCEEDED, result="5", failure=None, owed=()):
    """Settle one claimed job as a worker's cycle does."""
    done = Finish(job.id, state, result if state is State.SUCCEEDED else None, 0.1, failure)
    joins = Joins({job.id}, owed)
    return runner.run(cycle, ME, [done], {job.id: job.token}, None, (), joins).released


def claimed(runner, job):
    (found,) = [one for one in take(runner) if one.id == job.id]
    return found


def value(stored):
    return json.loads(stored) if isinstance(stored, str) else stored


def edges_left(runner):
    return runner.rows("SELECT dependent FROM sqlqueue_dependencies")


def test_a_job_that_waits_is_blocked_and_cannot_be_claimed(runner):
    first, second = new_job(options=FEEDS), waiting()
    placed = plant(runner, [first, second], (second, [first]))
    assert [one.id for one in placed] == [first.id], "nobody is woken for a job that waits"
    assert (runner.job(second.id)["state"], runner.job(second.id)["seq"]) == ("blocked", None)
    assert [job.id for job in take(runner)] == [first.id]


def test_the_end_of_its_parent_releases_a_job_with_the_result_before_its_arguments(runner):
    first, second = new_job(options=FEEDS), waiting(args='[10,"ä"]')
    plant(runner, [first, second], (second, [first]))
    released = end(runner, claimed(runner, first), result='{"sum":1e400}')
    assert [one.id for one in released.placed] == [second.id]
    (row,) = runner.rows("SELECT state, CAST(args AS text) AS args FROM sqlqueue_jobs WHERE id = :id", id=second.id)
    assert (row["state"], row["args"]) == ("ready", '[{"sum":1e400},10,"ä"]')
    assert edges_left(runner) == []
    assert [job.id for job in take(runner)] == [second.id]


def test_a_body_is_given_all_results_in_the_order_of_the_header(runner):
    header = [new_job(options=FEEDS) for _ in range(3)]
    body = waiting("list", args="[7]")
    plant(runner, [*header, body], (body, header))
    jobs = {job.id: job for job in take(runner)}
    for n in (2, 0):
        assert end(runner, jobs[header[n].id], result=str(n)).placed == []
    assert runner.job(body.id)["state"] == "blocked"
    assert [one.id for one in end(runner, jobs[header[1].id], result="1").placed] == [body.id]
    assert value(runner.job(body.id)["args"]) == [[0, 1, 2], 7]


def test_one_cycle_may_end_a_whole_header(runner):
    header = [new_job(options=FEEDS) for _ in range(5)]
    body = waiting("list")
    plant(runner, [*header, body], (body, header))
    jobs = take(runner)
    done = [Finish(job.id, State.SUCCEEDED, str(n), 0.1) for n, job in enumerate(jobs)]
    tokens = {job.id: job.token for job in jobs}
    released = runner.run(cycle, ME, done, tokens, None, (), Joins(set(tokens))).released
    assert [one.id for one in released.placed] == [body.id]
    assert value(runner.job(body.id)["args"]) == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(("takes", "args"), [("after", "[1]"), ("all", "[]")])
def test_an_immutable_job_is_given_nothing(runner, takes, args):
    first, second = new_job(options=FEEDS), waiting(takes, args=args)
    plant(runner, [first, second], (second, [first]))
    end(runner, claimed(runner, first))
    assert value(runner.job(second.id)["args"]) == json.loads(args)


def test_a_result_that_was_not_kept_is_none(runner):
    first, second = new_job(options=FEEDS), waiting()
    plant(runner, [first, second], (second, [first]))
    end(runner, claimed(runner, first), result=None)
    assert value(runner.job(second.id)["args"]) == [None]


def test_a_settlement_that_is_refused_releases_nobody(runner):
    first, second = new_job(options=FEEDS), waiting()
    plant(runner, [first, second], (second, [first]))
    job = claimed(runner, first)
    assert end(runner, job._replace(token=job.token + 1)).placed == []
    assert runner.job(second.id)["state"] == "blocked"
    assert [one.id for one in end(runner, job).placed] == [second.id]


def test_countdown_and_expiry_of_a_step_count_from_its_release(runner):
    first, second = new_job(options=FEEDS), waiting(more={"delay": 60, "expires": 90})
    plant(runner, [first, second], (second, [first]))
    released = end(runner, claimed(runner, first))
    assert [(one.id, one.seq) for one in released.placed] == [(second.id, None)]
    row = runner.job(second.id)
    assert row["state"] == "scheduled"
    assert row["run_at"] < row["expires_at"]


def test_what_follows_a_failure_never_runs_and_fails_with_it(runner):
    first, second, third = new_job(options=FEEDS), waiting(), waiting("after")
    plant(runner, [first, second, third], (second, [first]), (third, [second]))
    released = end(runner, claimed(runner, first), State.FAILED, failure=BOOM)
    assert released.ended == [second.id, third.id]
    for job in (second, third):
        row = runner.result(job.id)
        assert (row["state"], row["error"]) == ("failed", "ValueError: boom")
        assert value(row["exception"])["args"] == ["boom"]
        assert "never ran" in row["traceback"]
    assert edges_left(runner) == []
    assert take(runner) == []


def test_what_follows_a_revoked_job_is_revoked(runner):
    first, second = new_job(options=FEEDS), waiting()
    plant(runner, [first, second], (second, [first]))
    end(runner, claimed(runner, first), State.REVOKED, failure=Failure("expired"))
    assert runner.result(second.id)["state"] == "revoked"


def test_a_body_fails_as_soon_as_one_of_its_header_does_and_the_others_still_run(runner):
    header = [new_job(options=FEEDS) for _ in range(3)]
    body = waiting("list")
    plant(runner, [*header, body], (body, header))
    jobs = {job.id: job for job in take(runner)}
    end(runner, jobs[header[1].id], State.FAILED, failure=BOOM)
    row = runner.result(body.id)
    assert row["error"] == f"ChordError: Dependency {header[1].id} raised ValueError('boom')"
    assert value(row["exception"])["name"] == "ChordError"
    for n in (0, 2):
        assert end(runner, jobs[header[n].id]).placed == []
        assert runner.result(header[n].id)["state"] == "succeeded"


def test_an_errback_runs_when_its_job_fails(runner):
    first, errback = new_job(options=FEEDS), waiting("failure", args='["more"]')
    plant(runner, [first, errback], (errback, [first]))
    released = end(runner, claimed(runner, first), State.FAILED, failure=BOOM)
    assert [one.id for one in released.placed] == [errback.id]
    row = runner.job(errback.id)
    assert value(row["args"]) == [first.id, "more"]
    about = value(row["options"])["errback"]
    assert (about["parent"], about["task"], about["error"]) == (first.id, "shop.add", "ValueError: boom")


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.REVOKED])
def test_an_errback_vanishes_when_its_job_does_not_fail(runner, state):
    first, errback = new_job(options=FEEDS), waiting("failure")
    plant(runner, [first, errback], (errback, [first]))
    failure = Failure("expired") if state is State.REVOKED else None
    assert end(runner, claimed(runner, first), state, failure=failure).placed == []
    assert runner.rows("SELECT id FROM sqlqueue_jobs") == []
    assert edges_left(runner) == []


def test_only_the_errback_of_the_step_that_failed_runs(runner):
    first, second = new_job(options=FEEDS), waiting()
    errbacks = [waiting("failure"), waiting("failure")]
    plant(runner, [first, second, *errbacks], (second, [first]), (errbacks[0], [first]), (errbacks[1], [second]))
    released = end(runner, claimed(runner, first), State.FAILED, failure=BOOM)
    assert [one.id for one in released.placed] == [errbacks[0].id]
    assert [job.id for job in take(runner)] == [errbacks[0].id]
    assert edges_left(runner) == []


def test_the_errback_of_a_body_runs_when_its_header_fails(runner):
    first, body, errback = new_job(options=FEEDS), waiting("list"), waiting("failure")
    plant(runner, [first, body, errback], (body, [first]), (errback, [body]))
    released = end(runner, claimed(runner, first), State.FAILED, failure=BOOM)
    assert [one.id for one in released.placed] == [errback.id]


def test_a_failure_at_the_head_of_a_long_chain_ends_all_of_it(runner):
    jobs = [new_job(options=FEEDS), *(waiting() for _ in range(130))]
    plant(runner, jobs, *((after, [before]) for before, after in pairwise(jobs)))
    head = claimed(runner, jobs[0])
    released = end(runner, head, State.FAILED, failure=BOOM)
    assert released.rest, "more steps than one transaction should take"
    assert len(released.ended) == 100
    again = runner.run(cycle, ME, [], {}, None, (), Joins((), (), released.rest)).released
    assert len(again.ended) == 30
    assert runner.rows("SELECT id FROM sqlqueue_jobs") == []


def test_the_jobs_that_waited_for_a_lost_one_end(runner):
    sign_on(runner)
    first, second, errback = new_job(options=FEEDS, acks_late=False), waiting(), waiting("failure")
    plant(runner, [first, second, errback], (second, [first]), (errback, [first]))
    take(runner)
    rescued = runner.run(rescue, ME, "died")
    assert (rescued.lost, rescued.released.ended) == ([first.id], [second.id])
    assert [one.id for one in rescued.released.placed] == [errback.id]


def test_jobs_ended_by_sql_release_those_that_wait(runner):
    first, second = new_job(options=FEEDS), waiting()
    plant(runner, [first, second], (second, [first]))
    job = claimed(runner, first)
    runner.run(cycle, ME, [Finish(job.id, State.SUCCEEDED, "[1]", 0.1)], {job.id: job.token}, None)
    assert runner.job(second.id)["state"] == "blocked", "nobody was told"
    assert [one.id for one in runner.run(release_after, [first.id]).placed] == [second.id]
    assert value(runner.job(second.id)["args"]) == [[1]]


def test_the_sweep_finds_an_edge_whose_parent_is_over(runner):
    first, second = new_job(options=FEEDS), waiting()
    plant(runner, [first, second], (second, [first]))
    job = claimed(runner, first)
    runner.run(cycle, ME, [Finish(job.id, State.SUCCEEDED, "1", 0.1)], {job.id: job.token}, None)
    assert [one.id for one in runner.run(sweep).placed] == [second.id]
    assert runner.run(sweep).placed == []


def test_the_sweep_finds_a_blocked_job_with_no_open_edge(runner):
    first, second = new_job(options=FEEDS), waiting()
    plant(runner, [first, second], (second, [first]))
    runner.rows("UPDATE sqlqueue_dependencies SET outcome = 'succeeded', result = '3'")
    assert [one.id for one in runner.run(sweep).placed] == [second.id]
    assert value(runner.job(second.id)["args"]) == [3]


def test_the_sweep_forgets_the_edges_of_a_job_that_was_ended_by_hand(runner):
    first, second, third = new_job(options=FEEDS), waiting(), waiting()
    plant(runner, [first, second, third], (second, [first]), (third, [second]))
    runner.rows("DELETE FROM sqlqueue_jobs WHERE id = :id", id=second.id)
    assert runner.run(sweep).ended == [third.id], "it waited for one that is nowhere"
    assert runner.result(third.id)["state"] == "revoked"
    assert edges_left(runner) == []
    assert runner.run(sweep).ended == []


def test_the_sweep_leaves_those_alone_that_wait(runner):
    first, second = new_job(options=FEEDS), waiting()
    plant(runner, [first, second], (second, [first]))
    take(runner)
    swept = runner.run(sweep)
    assert (swept.placed, swept.ended) == ([], [])
    assert runner.job(second.id)["state"] == "blocked"


def test_a_workflow_sent_again_is_one_workflow(runner):
    first, second = new_job(options=FEEDS, given_id=True), waiting(given_id=True)
    for _ in range(2):
        plant(runner, [first, second], (second, [first]))
    assert len(edges_left(runner)) == 1
    end(runner, claimed(runner, first))
    plant(runner, [first, second], (second, [first]))
    assert edges_left(runner) == [], "the first is over and the second runs"
    assert [job.id for job in take(runner)] == [second.id]


def test_a_failure_of_which_nobody_has_told_the_body_is_found_by_a_sweep(runner):
    """Who was to judge the body has died, and a member still runs."""
    header = [new_job(options=FEEDS) for _ in range(2)]
    body = waiting("list")
    plant(runner, [*header, body], (body, header))
    failed = claimed(runner, header[0])
    runner.run(settle, ME, [Finish(failed.id, State.FAILED, None, 0.1, BOOM)], {failed.id: failed.token})
    runner.rows("UPDATE sqlqueue_dependencies SET outcome = 'failed' WHERE parent = :id RETURNING parent", id=failed.id)
    assert runner.run(sweep).ended == [body.id]
    assert "ValueError" in runner.result(body.id)["error"]
    assert edges_left(runner) == []

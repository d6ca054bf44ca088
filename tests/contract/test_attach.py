"""attach: a header grows while one of its members runs."""

import json

from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import Edge
from sqlqueue.store.ops.attach import attach
from sqlqueue.store.ops.cycle import Joins, cycle
from sqlqueue.store.ops.enqueue import enqueue
from tests.support.jobs import ME, new_job, take, take_one

FEEDS = '{"feeds":true}'


def chord(runner, width=2):
    """Insert a header and its body, claim the header, and return the claimed jobs and the body."""
    header = [new_job(options=FEEDS) for _ in range(width)]
    body = new_job(blocked=True, options='{"takes":"list"}')
    runner.run(enqueue, [*header, body], None, [Edge(body.id, n, job.id) for n, job in enumerate(header)])
    return take(runner), body


def end(runner, job, result):
    done = Finish(job.id, State.SUCCEEDED, result, 0.1)
    return runner.run(cycle, ME, [done], {job.id: job.token}, None, (), Joins({job.id})).released.placed


def test_the_body_waits_for_what_was_added(runner):
    (one, other), body = chord(runner)
    added = new_job(options=FEEDS)
    assert [placed.id for placed in runner.run(attach, one.id, added.id, [added], [])] == [added.id]
    assert end(runner, one, "1") == end(runner, other, "2") == []
    (last,) = take(runner)
    assert [placed.id for placed in end(runner, last, "3")] == [body.id]
    args = runner.job(body.id)["args"]
    assert (json.loads(args) if isinstance(args, str) else args) == [[1, 2, 3]]


def test_a_workflow_may_be_added(runner):
    (one,), body = chord(runner, 1)
    first, last = new_job(options=FEEDS), new_job(blocked=True, options='{"takes":"value","feeds":true}')
    placed = runner.run(attach, one.id, last.id, [first, last], [Edge(last.id, 0, first.id)])
    assert [job.id for job in placed] == [first.id]
    end(runner, one, "1")
    end(runner, take(runner)[0], "2")
    assert runner.job(body.id)["state"] == "blocked"
    end(runner, take(runner)[0], "3")
    assert runner.job(body.id)["state"] == "ready"


def test_nothing_is_added_where_no_body_waits(runner):
    job, added = take_one(runner), new_job(options=FEEDS)
    assert runner.run(attach, job.id, added.id, [added], []) is None
    (one,), _ = chord(runner, 1)
    end(runner, one, "1")
    assert runner.run(attach, one.id, added.id, [added], []) is None, "the member is over"
    assert runner.rows("SELECT id FROM sqlqueue_jobs WHERE id = :id", id=added.id) == []


def test_a_step_of_a_chain_is_no_member(runner):
    first, second = new_job(options=FEEDS), new_job(blocked=True, options='{"takes":"value"}')
    runner.run(enqueue, [first, second], None, [Edge(second.id, 0, first.id)])
    take(runner)
    assert runner.run(attach, first.id, "x", [new_job(id="x")], []) is None

"""end_abandoned: copies of workers that do not come back; forget_workers: rows of those of long ago."""

import json

from sqlqueue.domain.workflow import Edge
from sqlqueue.store.ops.broadcast import end_abandoned
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.workers import forget_workers, observe, sign_off
from tests.support.jobs import ME, OTHER, STRANGER, lane, new_job, put_many, sign_on, take

LONG_AGO = "2001-01-01 00:00:00.000000+00:00"
HOUR = 3600.0
OWN = "news@gone"
COPY = '{"broadcast":"news","feeds":true}'


def gone(runner, incarnation=ME, name="gone", queues=("news", OWN), since=LONG_AGO):
    """Let a worker have been there."""
    sign_on(runner, incarnation, name=name, queues=list(queues))
    runner.run(sign_off, incarnation)
    if since:
        runner.rows(
            "UPDATE sqlqueue_workers SET stopped_at = :then WHERE incarnation = :who", then=since, who=incarnation
        )


def states(runner, ids):
    """Return the states of jobs that are over."""
    return [(runner.result(one)["state"], runner.result(one)["error"]) for one in ids]


def test_copies_of_a_worker_that_has_not_come_back_are_revoked(runner):
    gone(runner)
    copies = [
        *put_many(runner, 2, queue=OWN, options=COPY),
        *put_many(runner, 1, queue=OWN, options=COPY, limits="1 x"),
    ]
    others = [*put_many(runner, 1, queue=OWN), *put_many(runner, 1, queue="news", options=COPY)]
    assert sorted(runner.run(end_abandoned, HOUR)) == sorted(copies)
    assert states(runner, copies) == [("revoked", "the worker that was to do it has not come back")] * 3
    assert [runner.job(one)["state"] for one in others] == ["ready", "ready"], "only copies"
    assert runner.run(end_abandoned, HOUR) == []


def test_what_waits_for_such_a_copy_ends_too(runner):
    gone(runner)
    (copy,) = put_many(runner, 1, queue=OWN, options=COPY)
    last = new_job(blocked=True, options='{"takes":"list"}')
    runner.run(enqueue, [last], None, [Edge(last.id, 0, copy)])
    assert sorted(runner.run(end_abandoned, HOUR)) == sorted([copy, last.id])
    assert runner.result(last.id)["state"] == "failed"


def test_copies_of_a_worker_that_lives_or_may_come_back_wait(runner):
    put_many(runner, 1, queue=OWN, options=COPY)
    gone(runner, since=None)
    assert runner.run(end_abandoned, HOUR) == [], "it has gone just now"
    gone(runner, OTHER)
    assert runner.run(end_abandoned, HOUR) == [], "an earlier start of the same worker is older"
    runner.rows("UPDATE sqlqueue_workers SET stopped_at = :then", then=LONG_AGO)
    sign_on(runner, STRANGER, name="gone", queues=["news", OWN])
    assert runner.run(end_abandoned, HOUR) == [], "it has come back"
    runner.rows("UPDATE sqlqueue_workers SET queues = :queues", queues=json.dumps(["mail"]))
    assert runner.run(end_abandoned, HOUR) == [], "nobody ever served it"


def test_queues_with_an_at_in_their_name_are_no_own_ones(runner):
    gone(runner, queues=["news", "mail@eu", "news@other"])
    put_many(runner, 1, queue="mail@eu", options=COPY)
    put_many(runner, 1, queue="news@other", options=COPY)
    assert runner.run(end_abandoned, HOUR) == []


def test_a_running_copy_is_left_alone(runner):
    gone(runner)
    put_many(runner, 1, queue=OWN, options=COPY)
    assert len(take(runner, OTHER, lanes=[lane(OWN)])) == 1
    assert runner.run(end_abandoned, HOUR) == []


def test_workers_of_long_ago_are_forgotten(runner):
    gone(runner)
    gone(runner, OTHER, since=None)
    sign_on(runner, STRANGER)
    runner.run(forget_workers, HOUR)
    assert {row["incarnation"] for row in workers(runner)} == {OTHER, STRANGER}
    assert [one.incarnation for one in runner.run(observe)] == [STRANGER]


def workers(runner):
    return runner.rows("SELECT CAST(incarnation AS text) AS incarnation FROM sqlqueue_workers")

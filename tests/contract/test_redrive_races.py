"""PostgreSQL: jobs are retried by hand while workers, sweeps and others who retry are at the same workflow.

The statements of two are interleaved by hand; who must wait for another does so in a thread.
"""

import threading
from contextlib import contextmanager

import psycopg
import pytest

from sqlqueue.domain.which import Which
from sqlqueue.store.ops.redrive import redrive
from sqlqueue.store.ops.release import sweep
from tests.support.interleaved import DIALECT, Stepwise, again, settle, two
from tests.support.jobs import ME, take
from tests.support.processes import wait_until
from tests.support.runners import Runner


@pytest.fixture
def runner(emptied_postgres):
    found = Runner("postgres-pinned", emptied_postgres)
    yield found
    found.close()


@contextmanager
def waiting(runner, operation):
    """Let an operation run in a thread until it waits for somebody; the block lets it go on, and it ends with that."""
    with psycopg.connect(runner.url) as connection:
        pid = connection.info.backend_pid
        stepwise = Stepwise(connection, operation)
        thread = threading.Thread(target=stepwise.commit)
        thread.start()
        stuck = "SELECT 1 FROM pg_stat_activity WHERE pid = :pid AND wait_event_type = 'Lock'"
        wait_until("it to wait", lambda: runner.rows(stuck, pid=pid))
        yield stepwise
        thread.join(30)


def succeed(runner, number):
    """Let so many jobs that may run succeed, one by one; return what was placed thereby."""
    placed = []
    for _ in range(number):
        (job,) = take(runner, at_most=1)
        placed += runner.run(lambda _, job=job: settle(ME, job)).released.placed
    return [one.id for one in placed]


def edges(runner):
    found = runner.rows("SELECT parent, outcome FROM sqlqueue_dependencies")
    return {row["parent"]: row["outcome"] for row in found}


def test_a_failure_that_was_retried_before_anybody_judged_it_is_forgotten(runner):
    with two(runner, fails=True) as (one, other, body):
        one.until()
        assert other.commit().owed == {body}, "the other holds the body"
        (culprit,) = runner.rows("SELECT id FROM sqlqueue_results")
        one.die()  # its worker dies
    (again_,) = runner.run(redrive, Which(ids=[culprit["id"]])).ids
    assert again_ == culprit["id"]
    assert again(runner, {body}).ended == [], "the failure does not count any more"
    assert runner.job(body)["state"] == "blocked"
    assert edges(runner)[culprit["id"]] is None


def test_a_body_that_is_doomed_just_now_is_blocked_again(runner):
    with two(runner, fails=True) as (one, other, body):
        one.until(DIALECT.sql.waiters)
        assert other.commit().owed == {body}
        (culprit,) = runner.rows("SELECT id FROM sqlqueue_results")
        with waiting(runner, redrive(DIALECT, Which(ids=[culprit["id"]]))) as retrying:
            assert one.commit().ended == [body]
        assert retrying.done.ids == [culprit["id"], body]
    assert succeed(runner, 1) == [body]
    assert runner.rows("SELECT CAST(args AS text) AS args FROM sqlqueue_jobs") == [{"args": "[[1,1]]"}]
    assert edges(runner) == {}


def two_failed(runner):
    """Return the ids of a body that never ran and of the two members of its header, both failed."""
    with two(runner, fails=True) as (one, other, body):
        parents = [row["parent"] for row in runner.rows("SELECT parent FROM sqlqueue_dependencies ORDER BY position")]
        one.die()
        other.commit()
    runner.run(lambda _: settle(ME, one.job, fails=True))
    return body, parents


def test_two_who_retry_two_members_at_a_time_take_the_body_along(runner):
    body, parents = two_failed(runner)
    with psycopg.connect(runner.url) as connection:
        first = Stepwise(connection, redrive(DIALECT, Which(ids=[parents[0]]))).until()
        with waiting(runner, redrive(DIALECT, Which(ids=[parents[1]]))) as second:
            first.commit()
    assert body in second.done.ids
    assert edges(runner) == dict.fromkeys(parents)
    assert succeed(runner, 2) == [body]


@pytest.mark.parametrize("moment", [None, "forget_edges"])
def test_nothing_is_swept_while_somebody_retries(runner, moment):
    body, parents = two_failed(runner)
    with psycopg.connect(runner.url) as connection, psycopg.connect(runner.url) as sweeper:
        retrying = Stepwise(connection, redrive(DIALECT, Which(ids=parents)))
        if moment is None:
            retrying.until()
            assert Stepwise(sweeper, sweep(DIALECT)).until().done.placed == []
            retrying.commit()
        else:
            sweeping = Stepwise(sweeper, sweep(DIALECT)).until(getattr(DIALECT.sql, moment))
            with waiting(runner, redrive(DIALECT, Which(ids=parents))):
                sweeping.commit()
    assert edges(runner) == dict.fromkeys(parents)
    assert succeed(runner, 2) == [body]


def test_a_member_that_ends_while_another_is_retried_is_found_by_a_sweep(runner):
    with two(runner, fails=True) as (one, other, body):
        other.commit()
        (culprit,) = runner.rows("SELECT id FROM sqlqueue_results WHERE id <> :body", body=body)
        with psycopg.connect(runner.url) as connection:
            retrying = Stepwise(connection, redrive(DIALECT, Which(ids=[culprit["id"]]))).until()
            one.commit()  # whose edge it does not see yet
            retrying.commit()
    assert list(edges(runner).values()) == [None, None]
    assert runner.run(sweep).placed == []
    assert sorted(map(str, edges(runner).values())) == ["None", "succeeded"]
    assert succeed(runner, 1) == [body]


def test_what_a_retry_finds_left_of_old_edges_does_not_count(runner):
    with two(runner, fails=True) as (one, other, body):
        one.until(DIALECT.sql.lock_blocked)
        other.commit()
        (culprit,) = runner.rows("SELECT id FROM sqlqueue_results WHERE id <> :body", body=body)
        one.die()  # so that its edge is left open
    assert len(edges(runner)) == 1
    runner.rows("UPDATE sqlqueue_dependencies SET outcome = 'failed' RETURNING parent")
    runner.run(redrive, Which(ids=[culprit["id"], body]))
    assert list(edges(runner).values()) == [None, None]

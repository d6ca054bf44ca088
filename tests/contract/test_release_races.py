"""PostgreSQL: two workers settle the last two parents of one job at the same time. One of them releases it.

The statements of the two are interleaved by hand, every way round. The twin without the lock loses the job: that is
what the lock is for.
"""

from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import Edge
from sqlqueue.store.drivers import over_pyformat
from sqlqueue.store.operation import Batch, Statement, ask
from sqlqueue.store.ops import release as verb
from sqlqueue.store.ops.cycle import Joins, cycle
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.postgres import Postgres
from tests.support.jobs import ME, OTHER, new_job, put, take
from tests.support.runners import ROW, Runner

DIALECT = Postgres()


@pytest.fixture
def runner(emptied_postgres):
    found = Runner("postgres-pinned", emptied_postgres)
    yield found
    found.close()


class Settling:
    """One worker's transaction, of which a test executes as many statements as it likes."""

    done: Any = None

    def __init__(self, connection, op):
        self._connection = connection
        self._execute = over_pyformat(connection, ROW)
        self._op = op
        self._batch = next(op)

    def until(self, statement=None):
        """Go on until ``statement`` would be next, or to the end."""
        while self.done is None and not (
            statement and self._batch.steps and self._batch.steps[0].statement is statement
        ):
            try:
                self._batch = self._op.send(self._execute(self._batch))
            except StopIteration as stopped:
                self.done = stopped.value
        return self

    def commit(self):
        self.until()
        self._connection.commit()
        return self.done.released if hasattr(self.done, "released") else self.done


@contextmanager
def two(runner, *, fails=False):
    """Yield the transactions of two workers that each settle one of two parents, and the body's id.

    Parameters
    ----------
    fails: whether the second parent has failed.
    """
    parents = [new_job(options='{"feeds":true}') for _ in range(2)]
    body = new_job(blocked=True, options='{"takes":"list"}')
    runner.run(enqueue, [*parents, body], None, [Edge(body.id, n, job.id) for n, job in enumerate(parents)])
    jobs = [take(runner, worker, at_most=1)[0] for worker in (ME, OTHER)]
    with psycopg.connect(runner.url) as one, psycopg.connect(runner.url) as other:
        yield (
            *(
                Settling(connection, settle(worker, job, fails=fails and worker == OTHER))
                for connection, worker, job in zip((one, other), (ME, OTHER), jobs, strict=True)
            ),
            body.id,
        )


def settle(worker, job, *, fails=False):
    error = Failure("ValueError: no", '{"module": "builtins", "name": "ValueError", "args": ["no"]}')
    done = Finish(job.id, State.FAILED, None, 0.1, error) if fails else Finish(job.id, State.SUCCEEDED, "1", 0.1)
    return cycle(DIALECT, worker, [done], {job.id: job.token}, None, (), Joins({job.id}))


def again(runner, owed):
    """Look once more, as a worker does in the cycle after the one in which the lock was refused."""
    return runner.run(cycle, ME, [], {}, None, (), Joins((), owed)).released


def test_whoever_is_refused_the_lock_looks_again_after_its_commit(runner):
    with two(runner) as (one, other, body):
        one.until()
        assert one.done.released.placed == [], "it saw the other's edge open"
        refused = other.commit()
        assert (refused.placed, refused.owed) == ([], {body})
        assert again(runner, refused.owed).owed == {body}, "still locked: it is owed on"
        assert one.commit().owed == set()
        assert [placed.id for placed in again(runner, {body}).placed] == [body]
        assert again(runner, {body}).placed == [], "and only once"


def test_whoever_resolves_first_and_locks_last_sees_the_other(runner):
    with two(runner) as (one, other, body):
        one.until(DIALECT.sql.lock_blocked)
        assert other.commit().placed == []
        assert [placed.id for placed in one.commit().placed] == [body]


def test_whoever_holds_the_lock_judges_by_what_is_committed_then(runner):
    with two(runner) as (one, other, body):
        one.until(DIALECT.sql.waiters)
        refused = other.commit()
        assert (refused.placed, refused.owed) == ([], {body})
        assert [placed.id for placed in one.commit().placed] == [body]
        assert again(runner, refused.owed).placed == []


# Not before the lock: there the one that fails would wait for the other's commit to take the edges away.
MOMENTS = [None, "resolve", "waiters", "let_go", "doom"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("first", [0, 1], ids=["the one that succeeds waits", "the one that fails waits"])
def test_a_failure_that_comes_in_between_is_never_passed_over(runner, first, moment):
    """At whatever statement the one stands while the other's whole transaction goes by."""
    with two(runner, fails=True) as (*both, body):
        waits, goes = both[first], both[1 - first]
        waits.until(moment and getattr(DIALECT.sql, moment))
        owed = goes.commit().owed
        owed = owed | waits.commit().owed
        if owed:
            again(runner, owed)
        row = runner.result(body)
        assert row is not None, "the body is over"
        assert row["state"] == "failed"
        assert "ValueError" in row["error"]


def test_without_the_lock_nobody_releases_the_body(runner, monkeypatch):
    def unlocked(_, ids):
        yield Batch(())
        return set(ids), set(ids)

    monkeypatch.setattr(verb, "_lock", unlocked)
    with two(runner) as (one, other, body):
        one.until()
        other.until()
        assert one.commit().placed == other.commit().placed == []
        assert runner.job(body)["state"] == "blocked"
        assert [placed.id for placed in runner.run(verb.sweep).placed] == [body], "but the sweep does"


def test_a_verb_sees_what_is_committed_while_it_runs_whatever_the_servers_default_is(runner):
    def level(_):
        first = yield from ask(Statement("SELECT 1"))
        ((found,),) = yield from ask(Statement("SHOW transaction_isolation"))
        return first and found

    strict = Runner("postgres-pinned", runner.url + "&options=-c%20default_transaction_isolation%3Dserializable")
    try:
        assert strict.run(level) == "read committed"
    finally:
        strict.close()


def test_a_users_lock_on_a_blocked_job_stops_no_cycle(runner):
    with two(runner) as (one, other, body), psycopg.connect(runner.url) as holder:
        holder.execute("SELECT 1 FROM sqlqueue_jobs WHERE id = %s FOR UPDATE", [body])
        one.commit()
        assert other.commit().owed == {body}
        put(runner)
        holder.rollback()
        assert [placed.id for placed in again(runner, {body}).placed] == [body]

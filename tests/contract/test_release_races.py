"""PostgreSQL: two workers settle the last two parents of one job at the same time. One of them releases it.

The statements of the two are interleaved by hand, every way round. The twin without the lock loses the job: that is
what the lock is for.
"""

import psycopg
import pytest

from sqlqueue.store.operation import Batch, Statement, ask
from sqlqueue.store.ops import release as verb
from tests.support.interleaved import DIALECT, again, two
from tests.support.jobs import put
from tests.support.runners import Runner


@pytest.fixture
def runner(emptied_postgres):
    found = Runner("postgres-pinned", emptied_postgres)
    yield found
    found.close()


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


MOMENTS = [None, "resolve", "lock_blocked", "waiters", "let_go", "doom", "forget_edges_of"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("first", [0, 1], ids=["the one that succeeds waits", "the one that fails waits"])
def test_a_failure_that_comes_in_between_is_never_passed_over(runner, first, moment):
    """At whatever statement the one stands while the other's whole transaction goes by, which never waits for it."""
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
        assert runner.rows("SELECT * FROM sqlqueue_dependencies") == [], "and nothing is left behind"


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

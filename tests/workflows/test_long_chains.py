"""Chains longer than what one transaction ends at a time: what ends their first step ends all before it returns."""

import pytest

from sqlqueue import chain
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.release import MOST_ROUNDS


@pytest.fixture
def long(stage):
    """The last step, of which the first alone is in the queue ``q``."""
    steps = [stage.add.s(1) for _ in range(2 * MOST_ROUNDS + 50)]
    return chain(stage.add.s(1).set(queue="q"), *steps).delay()


def first_of(result):
    while result.parent is not None:
        result = result.parent
    return result.id


def test_revoked(stage, long):
    first = first_of(long)
    assert stage.app.jobs.revoke(Which(ids=[first])).ended == [first]
    assert long.state == "REVOKED"
    assert stage.app.queues.counts() == []


def test_thrown_away(stage, long):
    assert stage.app.jobs.purge(["q"]) == 1
    assert long.state == "REVOKED"
    assert stage.app.queues.counts() == []


def test_retried_but_for_the_first(stage, long):
    """They are blocked again, and end once more, for what they wait for has not run."""
    stage.app.jobs.revoke(Which(ids=[first_of(long)]))
    rest = [job.id for job in stage.app.jobs.find(Which(never_ran=True), 1000)]
    assert len(rest) == 2 * MOST_ROUNDS + 50
    stage.app.jobs.retry(Which(ids=rest))
    assert long.state == "REVOKED"
    assert stage.app.queues.counts() == []

"""A retry by hand of what ran: each job once; on both databases. What never ran is in `test_redrive`."""

import pytest

from sqlqueue import chain
from sqlqueue.domain.which import Which
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 10


@pytest.fixture
def mended(stage):
    """A worker, and a task that fails until it is mended."""
    broken = [True]

    @stage.app.task(name="unless")
    def unless(value):
        if broken[0]:
            raise ValueError("no")
        return value

    stage.unless, stage.broken = unless, broken
    with working(stage.app):
        yield stage


def over(stage):
    wait_until("all are over", lambda: stage.app.queues.counts() == [])


def test_a_step_that_ran_may_be_tried_again(mended):
    last = chain(mended.identity.s("you"), mended.unless.s()).delay()
    with pytest.raises(ValueError, match="no"):
        last.get(timeout=PATIENCE)
    assert mended.app.jobs.retry(Which(root_id=last.parent.id)) == [last.id]
    wait_until("another failure", lambda: mended.app.AsyncResult(last.id).state == "FAILURE")
    mended.broken[0] = False
    assert mended.app.jobs.retry(Which(ids=[last.id])) == [last.id]
    assert mended.app.AsyncResult(last.id).get(timeout=PATIENCE) == "you"


def test_a_job_that_fails_again_at_once_is_retried_once(mended, monkeypatch):
    monkeypatch.setattr("sqlqueue.client.jobs.BATCH", 1)
    sent = [mended.unless.delay(number) for number in range(4)]
    over(mended)
    retried: list[str] = []

    def placed(batch):
        retried.extend(one.id for one in batch)
        before(batch)
        over(mended)  # it has failed again before the next one is looked for

    before = mended.app.client.waker.placed
    monkeypatch.setattr(mended.app.client.waker, "placed", placed)
    assert sorted(mended.app.jobs.retry(Which(task="unless"))) == sorted(one.id for one in sent)
    assert len(retried) == 4

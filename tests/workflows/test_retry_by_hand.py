"""Failed workflows and a retry by hand: no step runs without what its parents return; on both databases."""

import pytest

from sqlqueue import ChordError, chain, chord
from sqlqueue.domain.which import Which
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 10


@pytest.fixture
def mended(stage):
    """A worker, a task that fails until it is mended, and one that can do without what it is given."""
    broken = [True]

    @stage.app.task(name="unless")
    def unless(value):
        if broken[0]:
            raise ValueError("no")
        return value

    stage.unless, stage.broken = unless, broken
    stage.greet = stage.app.task(name="greet")(lambda name="nobody": f"hello {name}")
    with working(stage.app):
        yield stage


def over(stage):
    wait_until("all are over", lambda: stage.app.queues.counts() == [])


def test_steps_that_never_ran_do_not_run_without_their_parents(mended):
    app = mended.app
    last = chain(mended.unless.s("you"), mended.greet.s(), mended.greet.si()).delay()
    body = chord([mended.unless.s(1), mended.add.s(1)], mended.total.s()).delay()
    for result, error in ((last, ValueError), (body, ChordError)):
        with pytest.raises(error):
            result.get(timeout=PATIENCE)
    over(mended)
    mended.broken[0] = False
    first = last.parent.parent
    assert app.jobs.retry(Which(root_id=first.id)) == [first.id]
    assert app.jobs.retry(Which(ids=[last.id, last.parent.id, body.id])) == []
    assert first.get(timeout=PATIENCE) == "you"
    again = app.jobs.retry(Which(task="unless"))
    assert len(again) == 1
    assert app.AsyncResult(again[0]).get(timeout=PATIENCE) == 1
    assert (last.state, body.state) == ("FAILURE", "FAILURE")


def test_a_step_that_ran_may_be_tried_again(mended):
    last = chain(mended.identity.s("you"), mended.unless.s()).delay()
    with pytest.raises(ValueError, match="no"):
        last.get(timeout=PATIENCE)
    assert mended.app.jobs.retry(Which(root_id=last.parent.id)) == [last.id]
    wait_until("another failure", lambda: mended.app.AsyncResult(last.id).state == "FAILURE")
    mended.broken[0] = False
    assert mended.app.jobs.retry(Which(ids=[last.id])) == [last.id]
    assert mended.app.AsyncResult(last.id).get(timeout=PATIENCE) == "you"


def test_a_revoked_step_that_never_ran_is_left_alone(stage):
    last = chain(stage.add.s(1), stage.add.s(2)).delay()
    stage.app.jobs.revoke(Which(root_id=last.parent.id))
    assert stage.app.jobs.retry(Which(root_id=last.parent.id)) == [last.parent.id]


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

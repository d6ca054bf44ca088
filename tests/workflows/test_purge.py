"""What becomes of the steps that wait for jobs which are thrown away; on both databases, without any worker."""

import pytest

from sqlqueue import ChordError, TaskRevoked, chain, chord
from sqlqueue.domain.which import Which
from sqlqueue.store.operation import Statement, ask


def left(_):
    return (yield from ask(Statement("SELECT count(*) FROM sqlqueue_dependencies")))[0][0]


def test_steps_behind_end_as_revoked_at_once(stage):
    last = chain(stage.add.s(1, 1).set(queue="q"), stage.add.s(1), stage.add.s(2)).delay()
    first = last.parent.parent
    other = stage.add.delay(1, 1)
    assert stage.app.jobs.purge(["q"]) == 1
    assert [first.exists(), last.parent.state, last.state, other.state] == [False, "REVOKED", "REVOKED", "PENDING"]
    with pytest.raises(TaskRevoked, match=first.id):
        last.parent.get(timeout=10)
    assert stage.app.store.read(left) == 0


def test_a_body_fails_and_its_errback_is_called(stage):
    body = (
        chord([stage.add.s(1, 1).set(queue="q"), stage.add.s(2, 2)], stage.total.s()).on_error(stage.told.s()).delay()
    )
    assert stage.app.jobs.purge(["q"]) == 1
    with pytest.raises(ChordError, match="TaskRevoked"):
        body.get(timeout=10)
    assert stage.app.store.read(left) == 0
    assert [job.args for job in stage.app.jobs.find(Which(task="told"))] == [f'["{body.id}"]']


def test_what_waits_for_nobody_else_is_not_looked_at(stage):
    sent = [stage.add.apply_async((1, 1), queue="q") for _ in range(3)]
    assert stage.app.jobs.purge(["q"]) == 3
    assert not any(one.exists() for one in sent)

"""Chains longer than what one transaction ends at a time."""

from sqlqueue import chain
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.release import MOST_ROUNDS


def test_a_long_chain_is_over_when_revoking_its_first_step_returns(stage):
    last = chain(*[stage.add.s(1) for _ in range(2 * MOST_ROUNDS + 50)]).delay()
    first = last
    while first.parent is not None:
        first = first.parent
    assert stage.app.jobs.revoke(Which(ids=[first.id])).ended == [first.id]
    assert last.state == "REVOKED"
    assert stage.app.queues.counts() == []

"""Settler: what became of jobs goes out in statements that the database takes, and none of it is lost."""

import pytest

from sqlqueue.domain.job import Job
from sqlqueue.domain.outcome import Failed, Failure, Retried, Succeeded
from sqlqueue.domain.sizes import AT_ONCE
from sqlqueue.events.bus import Bus
from sqlqueue.store.ops.settle import Settled
from sqlqueue.worker.batching import Batching
from sqlqueue.worker.held import Held
from sqlqueue.worker.settler import Settler

HALF = '"' + "x" * (AT_ONCE // 2) + '"'
"""The same text for all: only its length counts."""


def job(n):
    return Job(
        id=str(n), seq=n, queue="q", priority=0, task="t", args="[]", kwargs="{}", headers=None, options=None,
        parent_id=None, root_id=None, group_id=None, attempt=1, retries=0, crashes=0, max_crashes=3, acks_late=True,
        expired=False, token=1,
    )  # fmt: skip


def settling(*outcomes):
    held = Held()
    settler = Settler(held, Batching(1), Bus(), lambda: None)
    jobs = held.take([job(n) for n in range(len(outcomes))])
    settler.put(list(zip(jobs, outcomes, strict=True)))
    return settler


def sent(settler, accept=lambda ids: ids):
    ids = [one.id for one in settler.take()]
    settler.confirm(Settled(set(accept(ids)), []))
    return ids


def test_small_outcomes_go_out_together():
    settler = settling(*[Succeeded("1", 0.0)] * 300, Succeeded(None, 0.0), Failed(Failure("no"), 0.0))
    assert len(sent(settler)) == 302
    assert settler.waiting == 0


LARGE = [Succeeded(HALF, 0.0), Retried(1.0, Failure("again"), 0.0, HALF)]


@pytest.mark.parametrize("large", LARGE)
def test_large_results_go_out_in_several_statements(large):
    settler = settling(*[large] * 7, *[Succeeded("1", 0.0)] * 3)
    seen = []
    while settler.waiting:
        seen.append(sent(settler))
    assert [id_ for ids in seen for id_ in ids] == [str(n) for n in range(10)]
    assert [len(ids) for ids in seen] == [1, 1, 1, 1, 1, 1, 4], "and what is small together"


def test_what_somebody_has_locked_does_not_stop_the_others():
    """It is sent again with the next, of which one goes at least."""
    settler = settling(*[Succeeded(HALF, 0.0)] * 4)
    locked = ["0"]
    rounds = [sent(settler, lambda ids: [id_ for id_ in ids if id_ not in locked]) for _ in range(4)]
    assert rounds == [["0"], ["0", "1"], ["0", "2"], ["0", "3"]]
    assert settler.waiting == 1
    locked.clear()
    assert (sent(settler), settler.waiting) == (["0"], 0)

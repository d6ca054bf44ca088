"""The server crashes between a claim, whose commit is not on disk yet, and its settlement."""

import psycopg
import pytest

from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.ops.workers import beat, register
from sqlqueue.store.store import Store
from tests.support.fence_tables import without
from tests.support.jobs import ME, OTHER, lane, new_job, worker_record


def done(job):
    return [Finish(job.id, State.SUCCEEDED, "5", 0.1)], {job.id: job.token}


def states(server):
    with psycopg.connect(server.dsn("shop")) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM sqlqueue_all_jobs").fetchall()]


@pytest.fixture
def store(server):
    found = Store(server.dsn("shop"))
    found.run(enqueue, [new_job()])
    yield found
    found.close()


def crash_after_a_claim(server, store):
    """Claim as a worker's cycle does, crash and start again; return what the worker thinks it holds, and its link."""
    link = store.pinned(asynchronous=True)
    (held,) = link.run(claim, ME, [lane()], 1)
    assert states(server) == ["running"]
    server.stop("immediate")
    with pytest.raises(StoreUnavailable):
        link.run(settle, ME, *done(held))
    server.start()
    assert states(server) == ["ready"], "the crash has forgotten the claim"
    return held, link


@pytest.mark.parametrize("whole", [True, False])
def test_only_the_one_who_holds_the_job_is_believed(server, store, whole):
    """Without the incarnation in the fence, the one whose claim was forgotten is."""
    if not whole:
        without(store.dialect, "incarnation")
    stale, first = crash_after_a_claim(server, store)
    second = store.pinned(asynchronous=True)
    (held,) = second.run(claim, OTHER, [lane()], 1)
    assert held.token == stale.token, "both drew the same token"
    assert first.run(settle, ME, *done(stale)).ids == (set() if whole else {stale.id})
    assert second.run(settle, OTHER, *done(held)).ids == ({held.id} if whole else set())
    assert states(server) == ["succeeded"]
    for link in (first, second):
        link.close()


def test_a_durable_beat_takes_the_claim_to_disk(server, store):
    """What a worker does before it starts a job that may run once; the test above is its twin."""
    link = store.pinned(asynchronous=True)
    link.run(register, worker_record(ME))
    (held,) = link.run(claim, ME, [lane()], 1)
    link.run(beat, ME, durably=True)
    server.stop("immediate")
    server.start()
    assert states(server) == ["running"]
    with pytest.raises(StoreUnavailable):
        link.run(settle, ME, *done(held))
    assert link.run(settle, ME, *done(held)).ids == {held.id}
    link.close()


@pytest.mark.parametrize("task", ["hold", "hold_once"])
def test_a_worker_between_claim_and_start(server, place_at, task):
    """It ends once, and a job that may run once has started once: here its worker never heard that it holds it."""
    place = place_at(server.dsn("shop"))
    tasks = place.app()
    (place.folder / "go").touch()
    result = getattr(tasks, task).delay(str(place.folder))
    worker = place.worker("-P", "threads", "-c", "1")
    worker.hold("after-cycle")  # the very first, long before the process has come so far
    worker.reached("after-cycle")
    assert states(server) == ["running"]
    server.stop("immediate")
    server.start()
    assert states(server) == ["ready"]
    worker.release("after-cycle")
    assert result.get(timeout=40) == worker.process.pid
    assert states(server) == ["succeeded"]
    assert worker.finish() == 0
    tasks.app.close()

"""PostgreSQL out of reach: cut before and after the commit, gone for a while, locked, in a deadlock."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from sqlqueue.domain.settlement import Finish, GiveBack
from sqlqueue.domain.states import State
from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.cycle import cycle
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.rescue import held_ids
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.store import Store
from tests.support.jobs import ME, lane, new_job
from tests.support.processes import wait_until

COMPLAINT = "(will go on"
LOOPS = 4
"""consumer, chores, listener, waker: each may say once that the database is away."""


@pytest.fixture
def store(proxy_url):
    found = Store(proxy_url)
    found.run(enqueue, [new_job()])
    yield found
    found.close()


def unanswered(proxy, link, verb, *args):
    """Run a verb to its commit; its answer is lost with the connection."""
    with ThreadPoolExecutor(1) as threads:
        proxy.swallow()
        answer = threads.submit(link.run, verb, *args)
        assert proxy.swallowed.wait(20), "the server has answered"
        assert proxy.cut() > 0
        with pytest.raises(StoreUnavailable):
            answer.result(20)


def test_a_settlement_cut_off_after_its_commit_counts_once(proxy, store):
    link = store.pinned()
    (job,) = link.run(claim, ME, [lane()], 1)
    done = [Finish(job.id, State.SUCCEEDED, "5", 0.1)], {job.id: job.token}
    unanswered(proxy, link, cycle, ME, *done, None)
    assert link.run(held_ids, ME) == {}, "it was committed"
    assert link.run(cycle, ME, *done, None).settled.ids == set()
    link.close()


def test_a_settlement_cut_off_before_its_commit_is_sent_again(proxy, store):
    link = store.pinned()
    (job,) = link.run(claim, ME, [lane()], 1)
    done = [Finish(job.id, State.SUCCEEDED, "5", 0.1)], {job.id: job.token}
    proxy.cut()
    with pytest.raises(StoreUnavailable):
        link.run(settle, ME, *done)
    assert link.run(held_ids, ME) == {job.id: job.token}
    assert link.run(settle, ME, *done).ids == {job.id}
    link.close()


def test_a_claim_whose_answer_is_lost_can_be_given_back(proxy, store):
    link = store.pinned()
    assert link.run(claim, ME, [lane("another")], 1) == [], "from now on the statement is one round trip"
    unanswered(proxy, link, claim, ME, [lane()], 1)
    orphans = link.run(held_ids, ME)
    assert len(orphans) == 1
    gifts = [GiveBack(id_, started=False) for id_ in orphans]
    assert link.run(settle, ME, gifts, orphans).ids == set(orphans)
    link.close()


def test_a_send_whose_answer_is_lost_is_one_job(proxy, proxy_url, place_at):
    tasks = place_at(proxy_url).app()
    tasks.app.store.check_schema()
    with ThreadPoolExecutor(1) as threads:
        proxy.swallow()
        result = threads.submit(tasks.add.delay, 1, 1)
        assert proxy.swallowed.wait(20)
        proxy.cut()
        job_id = result.result(20).id
    with psycopg.connect(proxy_url) as connection:
        assert connection.execute("SELECT id FROM sqlqueue_all_jobs").fetchall() == [(job_id,)]
    tasks.app.close()


def test_a_worker_whose_connections_are_cut_again_and_again(proxy, proxy_url, place_at):
    place = place_at(proxy_url)
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "2").wait_ready()
    cuts = 5
    for _ in range(cuts):
        results = [tasks.add.delay(n, n) for n in range(20)]
        assert proxy.cut() > 0
        assert [result.get(timeout=40) for result in results] == [2 * n for n in range(20)]
    assert worker.output.count(COMPLAINT) <= LOOPS * cuts
    assert worker.finish() == 0
    assert "Traceback" not in worker.output
    with psycopg.connect(proxy_url) as connection:
        rows = connection.execute("SELECT count(*), count(DISTINCT id), min(state) FROM sqlqueue_all_jobs").fetchall()
    assert rows == [(20 * cuts, 20 * cuts, "succeeded")]
    tasks.app.close()


def test_a_server_that_is_away_for_many_rounds_is_one_line_for_each_loop(server, place_at):
    place = place_at(server.dsn("shop"))
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "1").wait_ready()
    held = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: list(place.folder.glob("held-by-*")))
    server.stop("immediate")
    (place.folder / "go").touch()
    worker.wait_for("consumer: StoreUnavailable")
    server.start()
    assert held.get(timeout=40) == worker.process.pid
    worker.wait_for("consumer: works again after")
    assert 1 <= worker.output.count(COMPLAINT) <= LOOPS
    assert worker.finish() == 0
    tasks.app.close()


def test_a_lock_on_the_whole_table_is_waited_for_and_complained_of_once(server, place_at):
    """For longer than the worker's lock_timeout of 5 s."""
    place = place_at(server.dsn("shop"))
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "1").wait_ready()
    with psycopg.connect(server.dsn("shop")) as operator:
        operator.execute("LOCK TABLE sqlqueue_jobs IN ACCESS EXCLUSIVE MODE")
        worker.wait_for("lock timeout")
        operator.rollback()
    assert tasks.add.delay(2, 2).get(timeout=40) == 4
    assert worker.output.count(COMPLAINT) <= LOOPS
    assert worker.finish() == 0
    tasks.app.close()


def test_the_loser_of_a_deadlock_hears_that_trying_again_may_help(server):
    """A caller sends two chosen ids in one order, another in the other order."""
    store = Store(server.dsn("shop"))
    one, two = (new_job(given_id=True) for _ in range(2))
    with psycopg.connect(server.dsn("shop")) as caller, ThreadPoolExecutor(1) as threads:
        caller.execute(INSERT, {"id": one.id})
        link = store.pinned()
        answer = threads.submit(link.run, enqueue, [two, one])
        wait_until("the verb to wait", lambda: _waits(server))
        lost: list[Exception] = []
        try:
            caller.execute(INSERT, {"id": two.id})
        except psycopg.errors.DeadlockDetected as error:
            lost.append(error)
        caller.rollback()
        try:
            answer.result(20)
        except StoreUnavailable as error:
            lost.append(error)
            link.run(enqueue, [two, one])
    assert ["deadlock" in str(error) for error in lost] == [True]
    assert len(link.run(claim, ME, [lane()], 5)) == 2
    link.close()
    store.close()


INSERT = (
    "INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs)"
    " VALUES (%(id)s, nextval('sqlqueue_jobs_seq'), 'other', 'ready', 't', '[]', '{}')"
)


def _waits(server):
    with psycopg.connect(server.dsn("shop")) as connection:
        return connection.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall()

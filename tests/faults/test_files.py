"""SQLite: a full disk, and many processes that hammer one file."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.errors import BindingError, StoreUnavailable
from sqlqueue.store import sqlite_link
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.ops.workers import observe, sign_off
from sqlqueue.store.sqlite_link import SQLiteLink
from sqlqueue.store.store import Store
from tests.support.jobs import ME, lane, new_job
from tests.support.processes import ROOT, wait_until
from tests.support.runners import onlooker

PROCESSES, ROUNDS = 8, 6

HAMMER = f"""
import sys, uuid
from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.store import Store
from tests.support.jobs import lane, new_job

store, me = Store(sys.argv[1]), str(uuid.uuid4())
for _ in range({ROUNDS}):
    store.run(enqueue, [new_job() for _ in range(3)])
    jobs = store.run(claim, me, [lane()], 3)
    over = [Finish(job.id, State.SUCCEEDED, "5", 0.1) for job in jobs]
    assert len(store.run(settle, me, over, {{job.id: job.token for job in jobs}}).ids) == len(jobs)
store.close()
"""


def test_many_processes_that_hammer_one_file_see_no_lock(sqlite_url):
    processes = [
        subprocess.Popen([sys.executable, "-c", HAMMER, sqlite_url], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    complaints = [process.communicate(timeout=100)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, complaints
    with closing(onlooker(sqlite_url)) as connection:
        ((jobs, different),) = connection.execute(
            "SELECT count(*), count(DISTINCT id) FROM sqlqueue_all_jobs"
        ).fetchall()
        ((left,),) = connection.execute("SELECT count(*) FROM sqlqueue_jobs").fetchall()
    assert (jobs, different, left) == (PROCESSES * ROUNDS * 3, PROCESSES * ROUNDS * 3, 0)


def cap(store, pages):
    """Let the file grow by so many pages and no more, as on a disk that is nearly full."""
    connection = store._link._writer.connected()
    ((now,),) = connection.execute("PRAGMA page_count").fetchall()
    connection.execute(f"PRAGMA max_page_count = {now + pages}")


def fill(store, sent):
    while True:
        sent.append(len(store.run(enqueue, [new_job(args='["' + "x" * 4000 + '"]') for _ in range(5)])))


def test_a_full_disk_loses_nothing_and_is_got_over(sqlite_url):
    store = Store(sqlite_url)
    store.run(enqueue, [new_job() for _ in range(3)])
    jobs = store.run(claim, ME, [lane()], 3)
    cap(store, 20)
    sent: list[int] = []
    with pytest.raises(StoreUnavailable, match="full"):
        fill(store, sent)
    huge = '"' + "x" * 20_000 + '"'
    over = [Finish(job.id, State.SUCCEEDED, huge, 0.1) for job in jobs], {job.id: job.token for job in jobs}
    with pytest.raises(StoreUnavailable, match="full"):
        store.run(settle, ME, *over)
    with closing(onlooker(sqlite_url)) as connection:
        ((whole,),) = connection.execute("SELECT count(*) FROM sqlqueue_jobs").fetchall()
        ((results,),) = connection.execute("SELECT count(*) FROM sqlqueue_results").fetchall()
        assert (whole, results) == (3 + sum(sent), 0), "each transaction is there as a whole or not at all"
        assert [tuple(row) for row in connection.execute("PRAGMA integrity_check").fetchall()] == [("ok",)]
    cap(store, 10_000)
    assert store.run(settle, ME, *over).ids == {job.id for job in jobs}
    assert len(store.run(enqueue, [new_job()])) == 1
    store.close()


def test_who_reads_does_not_wait_behind_who_waits_to_write(sqlite_url, monkeypatch):
    store = Store(sqlite_url)
    store.check_schema()
    waiting = threading.Event()
    monkeypatch.setattr(SQLiteLink, "_keep_waiting", lambda *_: waiting.set())
    with closing(onlooker(sqlite_url)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer = threading.Thread(target=lambda: store.run(sign_off, ME))
        writer.start()
        assert waiting.wait(60)
        assert store.read(observe) == []
        assert writer.is_alive()
        other.execute("ROLLBACK")
    writer.join(60)
    assert not writer.is_alive()
    store.close()


@pytest.fixture
def impatient(monkeypatch):
    """Let a writer suspect at once, and count how often it has looked."""
    monkeypatch.setattr(sqlite_link, "SUSPECT_SECONDS", 0.0)
    looks: list[int] = []
    keep_waiting = SQLiteLink._keep_waiting

    def look(link, waited, suspicions):
        looks.append(suspicions)
        keep_waiting(link, waited, suspicions)

    monkeypatch.setattr(SQLiteLink, "_keep_waiting", look)
    return looks


def test_an_open_transaction_of_ones_own_that_would_never_end_is_named(sqlite_url, impatient):
    store = Store(sqlite_url)
    store.check_schema()
    with closing(onlooker(sqlite_url)) as own:
        own.execute("BEGIN IMMEDIATE")
        with pytest.raises(BindingError, match="an open transaction of this process holds the write lock"):
            store.run(enqueue, [new_job()])
    assert impatient == [1, 2]
    store.close()


def test_a_slow_transaction_of_ours_in_the_same_process_is_waited_for(sqlite_url, impatient):
    first, second = Store(sqlite_url), Store(sqlite_url)
    first.check_schema()
    begun, go_on = threading.Event(), threading.Event()

    def slow(dialect):
        yield from enqueue(dialect, [new_job()])
        begun.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(2) as threads:
        holding = threads.submit(first.run, slow)
        assert begun.wait(60)
        waiting = threads.submit(second.run, enqueue, [new_job()])
        wait_until("the second to have looked three times", lambda: len(impatient) > 2)
        go_on.set()
        holding.result(60)
        assert len(waiting.result(60)) == 1
    assert not any(impatient)
    first.close()
    second.close()

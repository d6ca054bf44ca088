"""Limits of the whole fleet hold whoever grants at the same time, and nothing stays stuck whoever dies."""

import random
import threading
import uuid

import psycopg
import pytest

from sqlqueue.domain.quota import Quota, read_limits, write_limits
from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.drivers import over_pyformat
from sqlqueue.store.operation import Statement
from sqlqueue.store.ops.grant import LimitedLane, ensure_limits, grant
from sqlqueue.store.ops.promote import promote
from sqlqueue.store.ops.rescue import rescue
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from tests.support.jobs import ME, OTHER, QUEUE, put_many
from tests.support.runners import ROW, Runner

LIMIT = 3
ACME = write_limits([("key:acme", Quota(LIMIT))])
DINGO = write_limits([("key:dingo", Quota(LIMIT)), ("task:shop.add", Quota(LIMIT + 1))])
LANES = [LimitedLane(QUEUE, limits, 0, read_limits(limits)) for limits in (ACME, DINGO)]

WITHOUT_LOCK = Statement("SELECT json_array_elements_text(CAST(:names AS json))")


@pytest.fixture
def runner(database_url):
    found = Runner("sqlite-link" if database_url.startswith("sqlite") else "postgres-pinned", database_url)
    yield found
    found.close()


class Turn:
    """One worker's grant, executed a step at a time."""

    def __init__(self, connection, operation):
        self._connection = connection
        self._execute = over_pyformat(connection, ROW)
        self._operation = operation
        self._batch = next(operation)

    def step(self):
        """Execute one batch; return what the grant returns when it is done and committed, else None."""
        try:
            self._batch = self._operation.send(self._execute(self._batch))
        except StopIteration as done:
            self._connection.commit()
            return done.value
        return None


def granted_at_a_time(url, runner, dialect):
    """Two workers ask for the same limit; each has looked what is free before the other has claimed."""
    put_many(runner, 10, limits=ACME)
    runner.run(ensure_limits, ["key:acme"])
    found = []
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        turns = [
            Turn(connection, grant(dialect, worker, LANES[:1], 10))
            for connection, worker in ((first, ME), (second, OTHER))
        ]
        while turns:  # step by step, in turns
            for turn in list(turns):
                done = turn.step()
                if done is not None:
                    found += done.jobs
                    turns.remove(turn)
    return len(found)


def test_two_who_grant_at_a_time_do_not_exceed(postgres_url):
    runner = Runner("postgres-raw", postgres_url)
    assert granted_at_a_time(postgres_url, runner, Postgres()) == LIMIT
    runner.close()


def test_without_the_lock_they_would(postgres_url):
    runner = Runner("postgres-raw", postgres_url)
    dialect = Postgres()
    dialect.sql = dialect.sql._replace(lock_limits=WITHOUT_LOCK)
    assert granted_at_a_time(postgres_url, runner, dialect) > LIMIT
    runner.close()


class Book:
    """What runs, seen from outside the database: the truth to which limits are held."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = {"key:acme": 0, "key:dingo": 0, "task:shop.add": 0}
        self.most = dict(self.running)
        self.done = set()

    def start(self, names):
        with self.lock:
            for name in names:
                self.running[name] += 1
                self.most[name] = max(self.most[name], self.running[name])

    def stop(self, names):
        with self.lock:
            for name in names:
                self.running[name] -= 1


def work(runner, book, seed, total):
    """Be a worker, and now and then die, until every job is over."""
    chance = random.Random(seed)
    me, held = str(uuid.UUID(int=chance.getrandbits(128))), {}
    while len(book.done) < total:
        for job, n in runner.run(grant, me, LANES, chance.randint(1, 4)).jobs:
            held[job.id] = (job, [name for name, _ in LANES[n].quotas])
            book.start(held[job.id][1])
        if chance.random() < 0.1:  # it dies, and somebody sees it
            for _, names in held.values():
                book.stop(names)
            held.clear()
            runner.run(rescue, me, "it died")
            me = str(uuid.UUID(int=chance.getrandbits(128)))
        for id_ in chance.sample(sorted(held), chance.randint(0, len(held))):
            job, names = held.pop(id_)
            book.stop(names)
            outcome = chance.choice([
                Finish(job.id, State.SUCCEEDED, "1", 0.1), Finish(job.id, State.SUCCEEDED, "1", 0.1),
                GiveBack(job.id, started=chance.random() < 0.5), Reschedule(job.id, 0.001, 1, "KeyError"),
            ])  # fmt: skip
            settled = runner.run(settle, me, [outcome], {job.id: job.token})
            assert settled.ids == {job.id}
            if isinstance(outcome, Finish):
                book.done.add(job.id)
        runner.run(promote)


def test_the_limit_is_never_exceeded_and_nothing_stays_stuck(runner):
    """Four workers that finish, give back, retry and die at random; what runs is counted outside the database."""
    ids = put_many(runner, 40, limits=ACME, max_crashes=1000) + put_many(runner, 40, limits=DINGO, max_crashes=1000)
    runner.run(ensure_limits, ["key:acme", "key:dingo", "task:shop.add"])
    assert len(runner.run(grant, ME, LANES[:1], 10).jobs) == LIMIT, "used to the full"
    runner.run(rescue, ME, "it died")
    book, seed = Book(), uuid.uuid4().int % (1 << 30)
    workers = [runner.another() for _ in range(4)]
    failures = []

    def run(worker, seed):
        try:
            work(worker, book, seed, len(ids))
        except BaseException as error:
            failures.append(error)
            book.done |= set(ids)  # let the others end

    threads = [threading.Thread(target=run, args=(worker, seed + n)) for n, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    for worker in workers:
        worker.close()
    assert failures == [], f"seed {seed}"
    assert book.done == set(ids), f"seed {seed}"
    assert book.most["key:acme"] <= LIMIT, f"seed {seed}"
    assert book.most["key:dingo"] <= LIMIT, f"seed {seed}"
    assert book.most["task:shop.add"] <= LIMIT + 1, f"seed {seed}"
    assert runner.rows("SELECT id FROM sqlqueue_jobs") == []

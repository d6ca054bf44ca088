"""Transactional tasks: writes, sends, success and result are one commit, on both databases and in every pool."""

from __future__ import annotations

import threading

import pytest

from sqlqueue import SQLQueue
from sqlqueue.domain.outcome import Committed, Failed, Retried, Returned
from sqlqueue.domain.settlement import GiveBack
from sqlqueue.store.ops.settle import settle
from sqlqueue.testing.drain import drain
from sqlqueue.worker.options import WorkerOptions
from sqlqueue.worker.pools.make import PoolSource
from sqlqueue.worker.shutdown import Shutdown
from sqlqueue.worker.worker import Worker
from tests.support.effects import transactional, write

PATIENCE = 60


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    app.store.check_schema()
    yield app
    app.close()


def test_writes_success_and_result_are_one_commit(app, effects):
    @transactional(app)
    def pay(self, amount):
        write(self)
        assert effects() == [], "nobody sees it before the job is over"
        return {"paid": amount}

    result = pay.delay(5)
    (outcome,) = drain(app)
    assert isinstance(outcome, Committed)
    assert (effects(), result.get(timeout=PATIENCE), result.state) == (["done"], {"paid": 5}, "SUCCESS")


def test_the_drivers_own_connection(app, effects):
    @transactional(app)
    def pay(self):
        self.connection.execute("INSERT INTO effects VALUES ('raw')")
        write(self, "orm")

    pay.delay()
    drain(app)
    assert sorted(effects()) == ["orm", "raw"]


def test_an_exception_undoes_it_and_is_settled_by_itself(app, effects):
    @transactional(app, max_retries=1)
    def pay(self):
        write(self)
        if not self.request.retries:
            raise self.retry(countdown=0)
        raise ValueError("no")

    result = pay.delay()
    assert [type(one) for one in drain(app)] == [Retried, Failed]
    assert effects() == []
    with pytest.raises(ValueError, match="no"):
        result.get(timeout=PATIENCE)


def test_a_part_may_be_undone(app, effects):
    @transactional(app)
    def pay(self):
        write(self, "kept")
        with self.session.begin_nested():
            write(self, "kept too")
        part = self.session.begin_nested()
        write(self, "undone")
        part.rollback()

    pay.delay()
    assert [type(one) for one in drain(app)] == [Committed]
    assert sorted(effects()) == ["kept", "kept too"]


def test_what_it_sends_joins(app, effects):
    @app.task(name="mail")
    def mail():
        return "sent"

    @transactional(app, max_retries=0)
    def pay(self, fails):
        sent = mail.delay()
        assert app.client.store.read(known, sent.id) == [], "it is not committed yet"
        if fails:
            raise ValueError(sent.id)
        return sent.id

    good, bad = pay.delay(fails=False), pay.delay(fails=True)
    drain(app)
    assert app.AsyncResult(good.get(timeout=PATIENCE)).get(timeout=PATIENCE) == "sent"
    with pytest.raises(ValueError) as caught:
        bad.get(timeout=PATIENCE)
    assert not app.AsyncResult(str(caught.value)).exists()


def known(dialect, job_id):
    from sqlqueue.store.operation import ask

    return (yield from ask(dialect.sql.family, id=job_id))


def test_whoever_lost_the_claim_undoes_everything(app, effects):
    @transactional(app)
    def pay(self):
        write(self)
        if self.request.attempt == 1:
            row = app.jobs.show(self.request.id).job
            held = self.request._job
            app.store.run(settle, held.worker, [GiveBack(row.id, started=True)], {row.id: held.token})

    if not app.store.dialect.many_writers:
        pytest.skip("a file has one writer, and the task is that")
    pay.delay()
    assert [type(one) for one in drain(app)] == [Returned, Committed]
    assert effects() == ["done"]


def test_its_value_may_be_ignored(app, effects):
    @transactional(app, ignore_result=True)
    def pay(self):
        write(self)
        return 5

    result = pay.delay()
    drain(app)
    assert (result.get(timeout=PATIENCE), effects()) == (None, ["done"])


def test_without_the_option_there_is_no_session(app):
    @app.task(bind=True)
    def plain(self):
        return self.session

    plain.delay()
    (outcome,) = drain(app)
    assert isinstance(outcome, Failed)
    assert "transactional=True" in outcome.failure.error


def test_an_async_task_where_there_is_no_loop(app, effects):
    @app.task(name="mail")
    def mail():
        pass

    @transactional(app)
    async def pay(self):
        write(self, self.request.id)
        return mail.delay().id

    results = [pay.delay() for _ in range(2)]
    drain(app)
    assert effects() == [one.id for one in results], "each knows its own job"
    assert [app.AsyncResult(one.get(timeout=PATIENCE)).get(timeout=PATIENCE) for one in results] == [None, None]


@pytest.mark.parametrize("pool", ["threads", "asyncio", "solo"])
def test_a_worker_lets_those_go_that_wait(app, effects, pool):
    """The pools of one process; ``prefork`` has a test of its own, with kills."""

    @app.task(name="add")
    def add(x, y):
        return x + y

    @transactional(app)
    def pay(self, n):
        write(self, str(n))
        return n

    @transactional(app)
    async def apay(self, n):
        write(self, str(n))
        add.delay(n, n)
        return n

    def many(task):
        return [(task.s(n) | add.s(1)).delay() for n in range(4)]

    options = WorkerOptions(queues=("default",), name="w", pool=pool, concurrency=4)
    worker = Worker(app, options, PoolSource(options, app.tasks))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        for task in (pay, apay if pool == "asyncio" else pay):
            assert [one.get(timeout=PATIENCE) for one in many(task)] == [1, 2, 3, 4]
    finally:
        worker.stop(Shutdown.WARM)
        thread.join(PATIENCE)
    assert sorted(effects()) == sorted(2 * ["0", "1", "2", "3"])

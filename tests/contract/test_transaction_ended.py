"""The transaction of a task is not the task's to end: however it tries, all is undone and the job says what to do."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sqlqueue import SQLQueue, TransactionEnded
from sqlqueue.domain.outcome import Failed
from sqlqueue.domain.which import Which
from sqlqueue.testing.drain import drain
from tests.support.effects import transactional, write

PATIENCE = 60


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    app.store.check_schema()
    yield app
    app.close()


ENDINGS = {
    "session.commit()": lambda task: task.session.commit(),
    "session.rollback()": lambda task: task.session.rollback(),
    "the session's connection": lambda task: task.session.connection().commit(),
    "connection.commit()": lambda task: task.connection.commit(),
    "connection.rollback()": lambda task: task.connection.rollback(),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_it_must_not_be_ended_by_the_task(app, effects, how):
    @transactional(app)
    def pay(self):
        write(self)
        ENDINGS[how](self)

    result = pay.delay()
    assert [type(one) for one in drain(app)] == [Failed]
    with pytest.raises(TransactionEnded, match="begin_nested"):
        result.get(timeout=PATIENCE)
    assert effects() == []


@pytest.mark.parametrize("how", ["commit", "rollback"])
@pytest.mark.parametrize("swallowed", [False, True])
def test_nor_by_a_session_that_has_done_nothing(app, how, swallowed):
    other = app.task(name="other")(lambda: None)

    @transactional(app)
    def pay(self):
        other.delay()
        with suppress(TransactionEnded) if swallowed else nullcontext():
            getattr(self.session, how)()

    result = pay.delay()
    assert [type(one) for one in drain(app)] == [Failed]
    with pytest.raises(TransactionEnded, match="begin_nested"):
        result.get(timeout=PATIENCE)
    assert app.jobs.find(Which(task="other")) == []


WORDS = {
    "session": lambda task: task.session.execute(text("COMMIT")),
    "connection": lambda task: task.connection.execute("COMMIT"),
    "cursor": lambda task: task.connection.cursor().execute("ROLLBACK"),
    "script": lambda task: getattr(task.connection, "executescript", task.connection.execute)("COMMIT"),
}


@pytest.mark.parametrize("how", WORDS)
def test_nor_by_words(app, how):
    @transactional(app)
    def pay(self):
        WORDS[how](self)

    result = pay.delay()
    assert [type(one) for one in drain(app)] == [Failed]
    with pytest.raises(TransactionEnded, match="begin_nested"):
        result.get(timeout=PATIENCE)


def test_other_errors_of_sql_are_as_they_were(app):
    @transactional(app)
    def pay(self):
        self.session.execute(text("SELECT * FROM nothing_there"))

    result = pay.delay()
    drain(app)
    with pytest.raises(Exception, match="nothing_there"):
        result.get(timeout=PATIENCE)


def test_a_swallowed_error_of_sql_is_told_with_what_to_do(app, effects):
    @transactional(app)
    def pay(self):
        write(self)
        with suppress(SQLAlchemyError):
            self.session.execute(text("SELECT * FROM nothing_there"))

    result = pay.delay()
    drain(app)
    if not app.store.dialect.many_writers:  # there an error undoes its own statement only
        assert (effects(), result.state) == (["done"], "SUCCESS")
        return
    with pytest.raises(TransactionEnded, match=r"swallowed.*session.begin_nested\(\)"):
        result.get(timeout=PATIENCE)
    assert effects() == []

"""SQLite: a caller's deferred transaction that has read, while somebody else has written since."""

import sqlite3
from contextlib import closing

import pytest

from sqlqueue.client.bind import bind
from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.sqlite import SQLite
from tests.support.jobs import new_job, put
from tests.support.runners import Runner


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_a_transaction_that_read_first_is_told_how_to_begin(sqlite_url, begin):
    runner = Runner("sqlite-link", sqlite_url)
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(runner), closing(sqlite3.connect(path, isolation_level=None)) as caller:
        caller.execute(begin)
        caller.execute("SELECT count(*) FROM sqlqueue_jobs").fetchall()
        if begin == "BEGIN":
            put(runner)  # which the other one would make wait
            with pytest.raises(StoreUnavailable, match="begin it with BEGIN IMMEDIATE"):
                bind(caller, None).run(enqueue(SQLite(), [new_job()]))
            caller.execute("ROLLBACK")
        else:
            assert len(bind(caller, None).run(enqueue(SQLite(), [new_job()]))) == 1
            caller.execute("COMMIT")
        assert len(runner.rows("SELECT id FROM sqlqueue_jobs")) == 1

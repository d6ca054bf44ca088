"""What is too much for one statement is written by several, in one transaction."""

import json

import pytest

from sqlqueue import EncodingError, SQLQueue, chord
from sqlqueue.domain import sizes
from sqlqueue.store.ops.results import look_up
from sqlqueue.store.ops.told import Told, tell
from tests.support.inprocess import working
from tests.support.jobs import lane, new_job, put, put_many, take

TEXT = json.dumps(["x" * 1000])


@pytest.fixture(autouse=True)
def little(monkeypatch):
    """Let a statement carry two such texts."""
    monkeypatch.setattr(sizes, "AT_ONCE", 2500)


@pytest.mark.parametrize("values", [{}, {"priority": 3, "run_at": None, "headers": TEXT}, {"given_id": True}])
def test_many_jobs_are_inserted_in_order(runner, values):
    jobs = [new_job(args=TEXT, **values) for _ in range(7)]
    placed = put(runner, *jobs)
    assert [one.id for one in placed] == [job.id for job in jobs]
    claimed = take(runner, lanes=[lane(priority=values.get("priority", 0))])
    assert [(job.id, job.args) for job in claimed] == [(job.id, TEXT) for job in jobs]


def test_all_or_none_of_them(runner):
    bad = new_job(args="no JSON")
    with pytest.raises(Exception, match=r"(?i)json"):
        put(runner, *[new_job(args=TEXT) for _ in range(7)], bad)
    assert take(runner) == []


def test_many_jobs_tell_much(runner):
    ids = put_many(runner, 5)
    runner.run(tell, [Told(job.id, job.token, "HALF", TEXT) for job in take(runner)])
    assert [runner.run(look_up, id_).meta for id_ in ids] == [TEXT] * 5


def test_a_header_of_large_results(database_url):
    app = SQLQueue("shop", broker=database_url)

    @app.task
    def large(n):
        return str(n) + "x" * 1000

    @app.task
    def first(texts):
        return [text[0] for text in texts]

    result = chord([large.s(n) for n in range(7)], first.s()).delay()
    with working(app, concurrency=7):
        assert result.get(timeout=30) == [str(n) for n in range(7)]
    with pytest.raises(EncodingError, match=r"calls\[3\]"):
        large.send_many([(1,)] * 3 + [("\0",)])
    app.close()

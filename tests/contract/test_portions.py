"""What is too much for one statement is written by several, in one transaction."""

import json

import pytest

from sqlqueue import ChordError, EncodingError, SQLQueue, chain, chord
from sqlqueue.domain import sizes
from sqlqueue.domain.outcome import Succeeded
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.release import anything_blocked
from sqlqueue.store.ops.results import look_up
from sqlqueue.store.ops.told import Told, tell
from sqlqueue.testing.drain import drain
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


def test_errbacks_are_told_much(database_url):
    app = SQLQueue("shop", broker=database_url)
    seen = []

    @app.task(name="shop.fail")
    def fail(text):
        raise ValueError(text[0])

    @app.task(name="shop.hear")
    def hear(request, exc, traceback):
        seen.append((request.args[0][1:], str(exc)))

    results = [fail.apply_async((f"{n}" + "x" * 2000,), link_error=hear.s()) for n in range(5)]
    with working(app, concurrency=5):
        for result in results:
            with pytest.raises(ValueError, match=r"[0-4]"):
                result.get(timeout=30)
    drain(app)
    assert sorted(seen) == [("x" * 2000, str(n)) for n in range(5)]
    app.close()


def test_a_body_whose_headers_results_no_row_holds_fails_and_stops_nobody(database_url, monkeypatch):
    monkeypatch.setattr(sizes, "MOST_GIVEN", 3000)
    app = SQLQueue("shop", broker=database_url)
    large, count = app.task(name="shop.large")(lambda n: "ä" * n), app.task(name="shop.count")(len)
    told = app.task(name="shop.told")(lambda job_id: job_id)
    fits = chord([large.s(498), large.s(499), large.s(500)], count.s()).delay()
    body = count.s().on_error(told.s())
    result = chord([large.s(499), large.s(499), large.s(500)], body).delay()
    after = chain(chord([large.s(1000)] * 3, count.s()), large.s()).delay()
    alone = app.task(name="shop.alone")(lambda texts, own: len(texts)).s("x" * 5000)
    chained = chord([large.s(1)], alone).delay()
    outcomes = drain(app)
    assert (fits.get(timeout=30), chained.get(timeout=30)) == (3, 1)
    with pytest.raises(ChordError, match="results of its header are more than 3,000 bytes in all"):
        result.get(timeout=30)
    assert isinstance(outcomes[-1], Succeeded)
    (heard,) = app.jobs.find(Which(task="shop.told"))
    assert app.AsyncResult(heard.id).get(timeout=30) == result.id
    with pytest.raises(ChordError, match="more than 3,000"):
        after.get(timeout=30)
    assert app.store.run(anything_blocked) is False
    app.close()

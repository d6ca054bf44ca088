"""Jobs with large arguments are claimed a few at a time, by every pool, on both databases."""

import pytest

from sqlqueue import SQLQueue
from sqlqueue.events.catalog import JobsClaimed
from sqlqueue.worker import batching
from tests.support.inprocess import working

AHEAD = 4
"""Jobs that fit into what may be held ahead of the slot."""


@pytest.fixture
def app(database_url):
    app = SQLQueue("tests", broker=database_url)
    yield app
    app.close()


@pytest.mark.parametrize("pool", ["threads", "asyncio", "solo", "prefork"])
def test_no_more_are_claimed_than_fit(app, pool, monkeypatch):
    size = app.task(name="size")(len)
    results = [size.delay("x" * 1000) for _ in range(40)]
    monkeypatch.setattr(batching, "MOST_BYTES", AHEAD * 1100)
    claims = []
    app.events.subscribe(lambda event: claims.append(len(event.jobs)), JobsClaimed)
    with working(app, pool=pool, concurrency=1):
        assert [result.get(timeout=30) for result in results] == [1000] * 40
    assert sum(claims) == 40
    assert max(claims) <= 1 + AHEAD

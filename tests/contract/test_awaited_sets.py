"""Sets of handles that are awaited: no thread is held, and who gives up is gone at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from sqlqueue import ResultSet, SQLQueue
from sqlqueue.errors import ResultTimeout
from sqlqueue.testing.drain import drain

PATIENCE = 10


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


@pytest.fixture
def add(app):
    return app.task(name="add", queue="sums")(lambda x: x)


def test_many_wait_for_sets_without_a_thread_each_and_give_up_at_once(app, add):
    results = [ResultSet([add.delay(n), add.delay(n + 1)]) for n in range(20)]

    async def walk(one):
        return [value async for _, value in one]

    async def wait():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        waits = [asyncio.create_task(wait) for one in results for wait in (one.aget(PATIENCE), walk(one))]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await results[0].aget()
        await asyncio.to_thread(drain, app, ["sums"])
        return await asyncio.gather(*waits)

    found = asyncio.run(wait())
    assert found == [[n, n + 1] for n in range(20) for _ in range(2)]


def test_of_a_set_that_is_awaited_the_first_that_failed_raises(app, add):
    fail = app.task(name="fail", queue="sums")(lambda: int("no"))
    never = add.apply_async((1,), queue="elsewhere")
    members = ResultSet([never, fail.delay()])
    drain(app, ["sums"])
    with pytest.raises(ValueError, match="'no'"):
        asyncio.run(members.aget(PATIENCE))
    with pytest.raises(ResultTimeout):
        asyncio.run(members.aget(0.01, propagate=False))
    assert asyncio.run(ResultSet([]).aget()) == []

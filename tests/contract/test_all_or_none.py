"""send_many(..., on_conflict="raise"): every job gets its key, or none of them is sent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sqlqueue import NotUnique, SQLQueue
from sqlqueue.testing.drain import drain
from tests.support.callers import CALLERS, awaited, settled
from tests.support.keys import waiting


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url, task_default_queue="testq")
    yield app
    app.close()


@pytest.fixture
def sync(app):
    @app.task(name="shop.sync", unique_key="sync:{user}")
    def sync(user, full=False):
        return user

    return sync


def test_many_calls_are_sent_all_or_none(app, sync):
    found = sync.send_many([(3,), (1,), (2,)], on_conflict="raise")
    assert [key for key, _ in sorted(waiting(app))] == ["sync:1", "sync:2", "sync:3"]
    with pytest.raises(NotUnique, match="sync:2") as raised:
        sync.send_many([(0,), (2,), (4,)], on_conflict="raise")
    assert (raised.value.key, raised.value.job_id) == ("sync:2", found[2].id)
    assert len(waiting(app)) == 3
    drain(app)
    assert [one.get(timeout=30) for one in found] == [3, 1, 2]
    assert len(sync.send_many([(0,), (2,), (4,)], on_conflict="raise")) == 3
    assert len(waiting(app)) == 3


def test_all_or_none_with_windows_that_are_open(app, sync):
    """A window outlives its job; what was inserted, and the windows that it has opened, go again."""
    (held,) = sync.send_many([(5,)], on_conflict="raise", unique_for=600)
    drain(app)
    for _ in range(2):
        with pytest.raises(NotUnique, match="sync:5") as raised:
            sync.send_many([(4,), (5,), (6,)], on_conflict="raise", unique_for=600)
        assert raised.value.job_id == held.id
    assert waiting(app) == []
    sync.send_many([(4,), (6,)], on_conflict="raise", unique_for=600)
    with pytest.raises(NotUnique, match="sync:4"):
        sync.send_many([(4,)], on_conflict="raise", unique_for=600)


def test_all_or_none_of_more_than_one_statement_takes(app, sync):
    held = sync.delay(9_999)
    with pytest.raises(NotUnique, match="sync:9999'") as raised:
        sync.send_many([(n,) for n in range(12_001)], on_conflict="raise")
    assert raised.value.job_id == held.id
    assert len(waiting(app)) == 1
    assert len({one.id for one in sync.send_many([(n,) for n in range(9_999)], on_conflict="raise")}) == 9_999
    assert len(waiting(app)) == 10_000


def test_of_those_with_and_without_a_key_none_is_left(app):
    @app.task(unique_key=lambda x: x or None, on_conflict="raise")
    def task(x):
        """Do nothing."""

    task.send_many([("",), ("b",)])
    with pytest.raises(NotUnique):
        task.send_many([("",), ("a",), ("b",)])
    assert sorted(key or "" for key, _ in waiting(app)) == ["", "b"]


@pytest.mark.parametrize("kind", CALLERS)
def test_all_or_none_in_the_callers_transaction_which_goes_on(request, kind):
    url = request.getfixturevalue(f"{kind.partition('-')[0]}_url")
    app = SQLQueue("shop", broker=url, task_default_queue="testq")
    task = app.task(name="shop.sync", unique_key="sync:{user}", on_conflict="raise")(lambda user: user)

    @awaited
    async def scenario():
        async with CALLERS[kind](url) as caller:

            async def send(*users):
                send = task.asend_many if caller.is_async else task.send_many
                return await settled(send([(user,) for user in users], session=caller.given, unique_for=60))

            await send(1)
            with pytest.raises(NotUnique, match="sync:1"):
                await send(0, 1, 2)
            await send(2, 3)
            await caller.commit()

    try:
        scenario()
        assert [key for key, _ in sorted(waiting(app))] == ["sync:1", "sync:2", "sync:3"]
    finally:
        app.close()


def test_of_many_senders_of_all_or_none_one_wins(app, sync):
    ready = threading.Barrier(4)

    def sender(number):
        calls = [(user,) for user in range(20)]
        ready.wait(20)
        try:
            return sync.send_many(calls[:: -1 if number % 2 else 1], on_conflict="raise")
        except NotUnique:
            return []

    with ThreadPoolExecutor(4) as pool:
        sent = [one for turn in pool.map(sender, range(4)) for one in turn]
    assert len(sent) == 20
    assert len(waiting(app)) == 20

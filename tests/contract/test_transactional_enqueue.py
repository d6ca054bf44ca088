"""A job joins the caller's transaction: commit and it is there, rollback and it never was."""

import asyncio
import uuid
from contextlib import closing

import pytest

from sqlqueue import SQLQueue
from sqlqueue.errors import EncodingError, EnqueueError, NotCommitted
from tests.support.callers import CALLERS, awaited
from tests.support.runners import onlooker


class Shop:
    """An app, the table of its user, and a second connection that sees only what is committed."""

    def __init__(self, kind, url):
        self.kind = kind
        self.url = url
        self.app = SQLQueue("shop", broker=url)
        self.add = self.app.task(name="shop.add")(lambda x, y: x + y)
        self.outside = onlooker(url)
        self.outside.execute("CREATE TABLE IF NOT EXISTS shop_orders (item text)")
        self.outside.execute("DELETE FROM shop_orders")

    def caller(self):
        return CALLERS[self.kind](self.url)

    def jobs(self):
        return [dict(row)["id"] for row in self.outside.execute("SELECT id FROM sqlqueue_jobs ORDER BY id").fetchall()]

    def orders(self):
        return [dict(row)["item"] for row in self.outside.execute("SELECT item FROM shop_orders").fetchall()]

    def close(self):
        self.outside.close()
        self.app.close()


ORDER = "INSERT INTO shop_orders VALUES ('cup')"


@pytest.fixture(params=CALLERS)
def shop(request):
    sqlite = request.param.startswith("sqlite")
    with closing(Shop(request.param, request.getfixturevalue("sqlite_url" if sqlite else "emptied_postgres"))) as found:
        yield found


@awaited
async def test_commit_makes_order_and_job_visible_together(shop):
    async with shop.caller() as caller:
        await caller.execute(ORDER)
        sent = await caller.send(shop.add, 2, 2)
        assert uuid.UUID(sent.id).version == 7
        assert (shop.jobs(), shop.orders()) == ([], [])  # it committed nothing by itself
        await caller.commit()
        assert (shop.jobs(), shop.orders()) == ([sent.id], ["cup"])


@awaited
async def test_rollback_takes_both_back(shop):
    async with shop.caller() as caller:
        await caller.execute(ORDER)
        await caller.send(shop.add, 2, 2)
        await caller.rollback()
        assert (shop.jobs(), shop.orders()) == ([], [])
        sent = await caller.send(shop.add, 3, 3)
        await caller.commit()
        assert (shop.jobs(), shop.orders()) == ([sent.id], [])


@awaited
async def test_closing_without_a_commit_takes_both_back(shop):
    async with shop.caller() as caller:
        await caller.execute(ORDER)
        await caller.send(shop.add, 2, 2)
        if "psycopg" in shop.kind:  # whose `with` commits
            await caller.rollback()
    assert (shop.jobs(), shop.orders()) == ([], [])


@awaited
async def test_a_savepoint_takes_only_its_own_back(shop):
    async with shop.caller() as caller:
        await caller.execute(ORDER)
        kept = await caller.send(shop.add, 1, 1)
        back = await caller.savepoint()
        await caller.send(shop.add, 2, 2)
        await back()
        also_kept = await caller.send(shop.add, 3, 3)
        await caller.commit()
        assert (shop.jobs(), shop.orders()) == ([kept.id, also_kept.id], ["cup"])


@awaited
async def test_every_send_of_a_using_block_joins(shop):
    async with shop.caller() as caller:
        await caller.execute(ORDER)
        with shop.app.using(caller.given):
            first = await caller.delay(shop.add, 1, 1)
            second = await caller.apply(shop.add, 2, 2, countdown=60)
        assert shop.jobs() == []
        await caller.commit()
        assert shop.jobs() == [first.id, second.id]
        if "sqlite" not in shop.kind:  # where nobody holds the file's lock
            own = await caller.delay(shop.add, 3, 3)
            assert own.id in shop.jobs()


@awaited
async def test_a_session_of_the_call_wins_over_using(shop):
    async with shop.caller() as caller, shop.caller() as unused:
        with shop.app.using(unused.given):
            sent = await caller.send(shop.add, 1, 1)
            await caller.commit()
        assert shop.jobs() == [sent.id]


@awaited
async def test_waiting_for_an_uncommitted_job_is_refused_at_once(shop):
    async with shop.caller() as caller:
        await caller.execute(ORDER)
        sent = await caller.send(shop.add, 2, 2)
        with pytest.raises(NotCommitted, match="commit first"):
            await asyncio.wait_for(asyncio.to_thread(sent.get), 10)
        with pytest.raises(NotCommitted, match="commit first"):
            await asyncio.wait_for(sent.aget(), 10)
        assert sent.state == "PENDING"
        await caller.commit()
        with pytest.raises(TimeoutError):
            await sent.aget(timeout=0.01)


@awaited
async def test_a_given_id_is_one_job_in_one_transaction_too(shop):
    async with shop.caller() as caller:
        first = await caller.send(shop.add, 1, 1, task_id="order-7")
        second = await caller.send(shop.add, 1, 1, task_id="order-7")
        await caller.commit()
        assert first == second
        assert shop.jobs() == ["order-7"]


@awaited
async def test_a_refused_call_leaves_the_transaction_as_it_was(shop):
    async with shop.caller() as caller:
        await caller.execute(ORDER)
        with pytest.raises(EncodingError, match=r"args\[0\]"):
            await caller.send(shop.add, float("nan"), 1)
        with pytest.raises(EnqueueError, match="queue is ''"):
            await caller.send(shop.add, 1, 1, queue="")
        await caller.commit()
        assert (shop.jobs(), shop.orders()) == ([], ["cup"])


@awaited
async def test_the_callers_settings_are_left_alone(shop):
    async with shop.caller() as caller:
        before = {name: getattr(caller.given, name, None) for name in ("row_factory", "autocommit", "isolation_level")}
        await caller.send(shop.add, 1, 1)
        await caller.commit()
        after = {name: getattr(caller.given, name, None) for name in before}
        assert after == before

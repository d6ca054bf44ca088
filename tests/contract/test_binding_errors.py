"""What cannot carry a job is refused with the cause and the fix, and nothing is enqueued."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sqlqueue import SQLQueue
from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import BindingError
from sqlqueue.store.urls import parse_url
from tests.support.callers import CALLERS, awaited
from tests.support.runners import onlooker

ASYNC = [kind for kind in CALLERS if "async" in kind]


@pytest.fixture
def url(request):
    return request.getfixturevalue("sqlite_url" if "sqlite" in request.param else "emptied_postgres")


@pytest.fixture
def app(url):
    with closing(SQLQueue("shop", broker=url)) as found:
        yield found


@pytest.fixture
def add(app):
    return app.task(name="shop.add")(lambda x, y: x + y)


def jobs(url):
    with closing(onlooker(url)) as outside:
        return outside.execute("SELECT id FROM sqlqueue_jobs").fetchall()


by_database = pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
by_async_kind = pytest.mark.parametrize(("kind", "url"), [(kind, kind) for kind in ASYNC], indirect=["url"])


@by_async_kind
@awaited
async def test_a_sync_call_on_an_async_connection_names_adelay(kind, url, app, add):
    async with CALLERS[kind](url) as caller:
        with app.using(caller.given), pytest.raises(BindingError, match="adelay"):
            add.delay(1, 1)
        with pytest.raises(BindingError, match="adelay"):
            add.apply_async((1, 1), session=caller.given)
        await caller.commit()
    assert jobs(url) == []


@by_async_kind
@awaited
async def test_a_child_task_does_not_inherit_the_transaction(kind, url, app, add):
    async with CALLERS[kind](url) as caller:
        with app.using(caller.given):
            with pytest.raises(BindingError, match="another asyncio task"):
                await asyncio.create_task(add.adelay(1, 1))
            with pytest.raises(BindingError, match="another asyncio task"):
                await asyncio.to_thread(add.delay, 1, 1)
            await add.adelay(2, 2)
        await caller.commit()
    assert len(jobs(url)) == 1


@by_database
@awaited
async def test_a_task_that_outlives_the_block_does_not_use_its_transaction(url, app, add):
    async def later():
        await done.wait()
        return await add.adelay(1, 1)

    done = asyncio.Event()
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        with app.using(connection):
            late = asyncio.create_task(later())
        done.set()
        with pytest.raises(BindingError, match="its block has ended"):
            await late
    engine.dispose()
    assert jobs(url) == []


@by_database
def test_a_thread_begins_without_anybodys_transaction(url, app, add):
    with app.using(object()):
        thread = threading.Thread(target=add.delay, args=(1, 1))
        thread.start()
        thread.join()
    assert len(jobs(url)) == 1


@by_database
@pytest.mark.parametrize("what", [object(), "postgresql://x", 7, threading.Lock()])
def test_an_unknown_object_is_refused_with_a_list_of_known_ones(url, app, add, what):
    with pytest.raises(BindingError, match=r"SQLAlchemy Session.*psycopg.*sqlite3"):
        add.apply_async((1, 1), session=what)
    with app.using(what), pytest.raises(BindingError, match="cannot enqueue on a"):
        add.delay(1, 1)
    assert jobs(url) == []


@by_database
def test_session_and_connection_together_are_refused(url, app, add):
    with closing(sqlite3.connect(":memory:")) as one, pytest.raises(BindingError, match="not both"):
        add.apply_async((1, 1), session=one, connection=one)


@by_database
def test_a_session_bound_to_nothing_is_refused(url, app, add):
    with Session() as session, pytest.raises(BindingError, match="bound to no engine"):
        add.apply_async((1, 1), session=session)


@pytest.mark.parametrize(("kind", "url"), [(kind, kind) for kind in CALLERS], indirect=["url"])
@awaited
async def test_a_database_without_our_tables_is_refused_and_both_are_named(kind, url, app, add, tmp_path, request):
    sqlite = kind.startswith("sqlite")
    other = f"sqlite:///{tmp_path / 'other.db'}" if sqlite else request.getfixturevalue("empty_postgres_url")
    async with CALLERS[kind](other) as caller:
        with pytest.raises(BindingError, match="no sqlqueue tables") as refused:
            await caller.send(add, 1, 1)
        await caller.rollback()
    for database in (url, other):
        assert database.partition("?")[0].rpartition("/")[2] in str(refused.value)


def test_our_own_open_transaction_is_named_instead_of_waited_for(sqlite_url):
    app = SQLQueue("shop", broker=sqlite_url)
    add = app.task(name="shop.add")(lambda x, y: x + y)
    with closing(app), closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as mine:
        app.store.check_schema()
        mine.execute("INSERT INTO sqlqueue_counters VALUES ('mine', 1)")
        began = monotonic()
        with pytest.raises(BindingError, match=r"session=.*app\.using"):
            add.delay(1, 1)
        assert monotonic() - began < 8.0
        add.apply_async((1, 1), session=mine)
        mine.commit()
        add.delay(1, 1)
        assert mine.execute("SELECT count(*) FROM sqlqueue_jobs").fetchone() == (2,)


def test_the_same_before_the_tables_are_made(tmp_path):
    app = SQLQueue("shop", broker=f"sqlite:///{tmp_path / 'new.db'}")
    add = app.task(name="shop.add")(lambda x, y: x + y)
    with closing(app), closing(sqlite3.connect(tmp_path / "new.db")) as mine:
        mine.execute("PRAGMA journal_mode = WAL")
        mine.execute("CREATE TABLE shop_orders (item)")
        mine.execute("INSERT INTO shop_orders VALUES ('cup')")
        began = monotonic()
        with pytest.raises(BindingError, match="session="):
            add.delay(1, 1)
        assert monotonic() - began < 10.0
        mine.rollback()
        add.delay(1, 1)


def test_a_psycopg_connection_in_a_failed_transaction_says_so(emptied_postgres):
    app = SQLQueue("shop", broker=emptied_postgres)
    add = app.task(name="shop.add")(lambda x, y: x + y)
    with closing(app), psycopg.connect(emptied_postgres) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1/0")
        with pytest.raises(Exception, match="current transaction is aborted"):
            add.apply_async((1, 1), session=connection)
        connection.rollback()
        add.apply_async((1, 1), session=connection)
    assert len(jobs(emptied_postgres)) == 1

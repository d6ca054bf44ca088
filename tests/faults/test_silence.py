"""A connection that hangs without breaking: the worker notices, makes another and goes on."""

import contextlib
import threading

import psycopg
import pytest

from sqlqueue import SQLQueue
from sqlqueue.errors import StoreUnavailable
from sqlqueue.notify import listener
from sqlqueue.store import postgres_link
from sqlqueue.store.ops.queues import paused
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.postgres_link import PostgresPinned
from sqlqueue.store.store import Store
from sqlqueue.store.urls import engine_for, parse_url
from sqlqueue.worker import silence
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 60.0


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(postgres_link, "ANSWER_WITHIN", 0.5)
    monkeypatch.setattr(silence, "LOOK", 0.1)


def test_a_silent_connection_is_cut_and_made_anew(impatient, proxy_url, proxy):
    link = PostgresPinned(engine_for(parse_url(proxy_url)), Postgres())
    link.read(paused)
    assert link.cut_if_silent() is None, "nobody asks"
    assert proxy.hush() == 1
    errors = []

    def ask():
        try:
            link.read(paused)
        except StoreUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert wait_until("the cut", link.cut_if_silent) >= 0.5
    thread.join(PATIENCE)
    assert len(errors) == 1
    assert link.read(paused) == {}
    assert link.generation == 2
    link.close()


def test_a_server_that_is_only_slow_is_given_longer_each_time(impatient, proxy_url, proxy):
    link = PostgresPinned(engine_for(parse_url(proxy_url)), Postgres())
    waited: list[float] = []
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            cut_while(link, waited, proxy)
    assert waited[0] >= 0.5
    assert waited[1] >= 1.0
    link.read(paused)
    with pytest.raises(StoreUnavailable):
        cut_while(link, waited, proxy)
    assert waited[2] < waited[1] + 0.5, "an answer makes it impatient again"
    link.close()


def cut_while(link, waited, proxy):
    """Ask on a connection that has just gone silent, and cut it in another thread."""
    if link._connection is None:
        link._connection = postgres_link.detached(link._engine, link._dialect, "")
    proxy.hush()
    watcher = threading.Thread(target=lambda: waited.append(wait_until("the cut", link.cut_if_silent)))
    watcher.start()
    try:
        link.read(paused)
    finally:
        watcher.join(PATIENCE)


def test_a_worker_whose_connections_go_silent_goes_on(impatient, proxy_url, proxy, server, caplog):
    app, sender = SQLQueue("shop", broker=proxy_url), SQLQueue("shop", broker=server.dsn("shop"))

    @app.task(name="add")
    def add(x, y):
        return x + y

    with working(app):
        assert sender.send_task("add", (1, 1)).get(timeout=PATIENCE) == 2
        assert proxy.hush() >= 2
        results = [sender.send_task("add", (n, n)) for n in range(20)]
        assert [result.get(timeout=PATIENCE) for result in results] == [2 * n for n in range(20)]
    app.close()
    sender.close()
    assert "has not answered for" in caplog.text


def test_a_listener_whose_connection_goes_silent_hears_again(monkeypatch, proxy_url, proxy, server):
    monkeypatch.setattr(listener, "SELF_TEST_SECONDS", 0.1)
    monkeypatch.setattr(listener, "ANSWER_WITHIN", 0.5)
    store = Store(proxy_url)
    heard: list[object] = []
    hearer = listener.Listener(store, ["loud"], lambda *message: heard.append(message), lambda: heard.append("doubt"))
    hearer.start()
    wait_until("it to listen", lambda: hearer.hears)
    assert proxy.hush() >= 1
    wait_until("the other connection", lambda: heard == ["doubt", "doubt"] and hearer.hears)
    with psycopg.connect(server.dsn("shop")) as connection:
        connection.execute("SELECT pg_notify('loud', 'x')")
    wait_until("the message", lambda: heard[2:] == [("loud", "x")])
    proxy.hush()
    hearer.stop()
    assert hearer.join(PATIENCE), "and it ends while nobody answers"
    store.close()


@pytest.mark.timeout(200)
def test_a_worker_process_whose_packets_go_nowhere_goes_on(proxy, proxy_url, server, place_at):
    """As it is shipped: it takes 20 s for granted that the server is only slow."""
    place = place_at(proxy_url)
    worker = place.worker("-P", "threads", "-c", "2").wait_ready()
    with contextlib.closing(SQLQueue("shop", broker=server.dsn("shop"))) as sender:
        held = sender.send_task("tasks.hold", (str(place.folder),), queue="testq")
        wait_until("the task to start", lambda: list(place.folder.glob("held-by-*")))
        assert proxy.hush() >= 2
        (place.folder / "go").touch()
        results = [sender.send_task("tasks.add", (n, n), queue="testq") for n in range(20)]
        assert held.get(timeout=PATIENCE) == worker.process.pid
        assert [result.get(timeout=PATIENCE) for result in results] == [2 * n for n in range(20)]
        worker.wait_for("has not answered for")
        assert worker.finish() == 0
        with psycopg.connect(server.dsn("shop")) as onlooker:
            count = "SELECT count(*), count(DISTINCT id), min(state) FROM sqlqueue_all_jobs"
            ended = onlooker.execute(count).fetchall()
    assert ended == [(21, 21, "succeeded")]
    assert "Traceback" not in worker.output

"""Behind pgbouncer in transaction mode, where a session is lent for one transaction and then to somebody else."""

from __future__ import annotations

import urllib.parse

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.store.operation import Statement, ask_last
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.cycle import Wanted, cycle
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.rescue import held_ids, rescue
from sqlqueue.store.ops.results import finished
from sqlqueue.store.ops.schema import schema_version
from sqlqueue.store.store import Store
from sqlqueue.store.urls import parse_url
from tests.acceptance.conftest import Place
from tests.support.jobs import ME, OTHER, lane, new_job
from tests.support.pooler import pooler
from tests.support.processes import wait_until

FIRST = "SELECT current_setting('enable_seqscan'), current_setting('lock_timeout')"


def behind(url: str, place: str) -> str:
    """Return the same database as the pooler shows it."""
    return place.format(urllib.parse.urlsplit(url).path.lstrip("/"))


@pytest.fixture
def url(postgres_server, postgres_url):
    """Our tables, seen by all clients through one session that they share."""
    with pooler(postgres_server.dsn("postgres"), sessions=1) as place:
        yield behind(postgres_url, place)


def test_it_is_noticed(url, postgres_url):
    for place, found in ((url, True), (postgres_url, False)):
        store = Store(place)
        store.run(schema_version)
        assert (store.dialect.pooled, store.dialect.listens) == (found, not found)
        store.close()


def test_the_setting_is_believed(postgres_url):
    store = Store(postgres_url, pooler=True)
    store.run(schema_version)
    assert store.dialect.pooled is True
    store.close()


def test_two_workers_and_a_client_take_turns_on_one_session(url):
    """Each verb often enough that it would have been prepared, in a session that is another one's the next moment."""
    store = Store(url)
    first, second = store.pinned(asynchronous=True), store.pinned()
    done: list[str] = []
    for _ in range(12):
        store.run(enqueue, [new_job() for _ in range(4)])
        for link, me in ((first, ME), (second, OTHER)):
            jobs = link.run(claim, me, [lane()], 2)
            assert link.run(held_ids, me) == {job.id: job.token for job in jobs}
            over = [Finish(job.id, State.SUCCEEDED, "5", 0.1) for job in jobs]
            did = link.run(cycle, me, over, {job.id: job.token for job in jobs}, Wanted([lane()], 1))
            assert did.settled.ids == {job.id for job in jobs}
            done += did.settled.ids
            assert len(link.run(rescue, me, "died").back) == len(did.claimed)
    assert len({record.id for record in store.read(finished, done)}) == len(done) == 48
    for link in (first, second):
        link.close()
    store.close()


def used(url: str, *, pooler: bool | None) -> tuple[str, str]:
    """Run a worker's verb; return two settings as the next client of the same session finds them."""
    store = Store(url, pooler=pooler)
    link = store.pinned(asynchronous=True)
    link.run(held_ids, ME)
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as stranger:
        (found,) = stranger.execute(FIRST).fetchall()
    link.close()
    store.close()
    return found


def test_nothing_is_left_in_the_session(url):
    assert used(url, pooler=None) == ("on", "0")


def test_without_minding_the_pooler_the_next_client_inherits_our_settings(url):
    """The twin that shows what the test above is worth."""
    assert used(url, pooler=False) == ("off", "5s")


def test_the_settings_hold_within_our_transactions(url):
    store = Store(url)
    link = store.pinned()

    assert link.run(lambda _: ask_last(Statement(FIRST))) == [("off", "5s")]
    link.close()
    store.close()


@pytest.fixture
def place(postgres_server, postgres_url, tmp_path, monkeypatch):
    with pooler(postgres_server.dsn("postgres"), sessions=4) as found:
        url = behind(postgres_url, found)
        monkeypatch.setenv("SQLQUEUE_BROKER_URL", url)
        place = Place(tmp_path, url)
        yield place
        for command in place.commands:
            command.clean_up()


@pytest.mark.parametrize("said", ["", "no"])
def test_the_whole_trip(place, said):
    """Enqueue in the caller's transaction, drain, get; a killed worker's job is rescued. Notifications or none."""
    more = {"SQLQUEUE_BROKER_NOTIFICATIONS": said} if said else {}
    tasks = place.app()
    first = place.worker("-P", "threads", "-n", "first", **more).wait_ready()
    engine = create_engine(parse_url(place.url), connect_args={"prepare_threshold": None})
    with Session(engine) as session, session.begin():
        results = [tasks.add.apply_async((n, n), session=session) for n in range(30)]
    results += [tasks.add.delay(n, n) for n in range(30, 60)]
    assert [result.get(timeout=40) for result in results] == [2 * n for n in range(60)]
    held = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: list(place.folder.glob("held-by-*")))
    first.kill()
    second = place.worker("-P", "threads", "-n", "second", **more).wait_ready()
    inspect = tasks.app.control.inspect(timeout=40)
    assert [row["id"] for row in wait_until("the second start", lambda: inspect.active()["second"])] == [held.id]
    assert tasks.app.control.add_consumer("mails", reply=True, timeout=40) == [{"second": {"ok": "add consumer mails"}}]
    assert tasks.add.apply_async((1, 1), queue="mails").get(timeout=40) == 2
    (place.folder / "go").touch()
    assert held.get(timeout=40) == second.process.pid
    assert tasks.flaky.delay(1).get(timeout=40) == 1
    assert second.finish() == 0
    assert "Traceback" not in second.output
    engine.dispose()
    tasks.app.close()

"""compact: a large and nearly empty table is written anew; nothing is lost, nobody waits for long."""

import uuid
from contextlib import closing

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from sqlqueue import SQLQueue
from sqlqueue.cli import main
from sqlqueue.errors import StoreUnavailable
from sqlqueue.store import compact as room
from sqlqueue.store.compact import compact
from tests.support.runners import onlooker

JOBS = 3000
LOCK = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN; LOCK TABLE sqlqueue_jobs IN ROW EXCLUSIVE MODE"}


@pytest.fixture
def app(database_url):
    with closing(SQLQueue("shop", broker=database_url)) as app:
        yield app


@pytest.fixture
def flooded(app, database_url):
    """Where many jobs were and three are."""

    def flood(left=3):
        ids = [app.send_task("bill", ["x" * 1000]).id for _ in range(1)]
        ids += [one.id for one in app.client.send_many("bill", [("x" * 1000,)] * JOBS, {})]
        kept = ids[-left:]
        with closing(onlooker(database_url)) as operator:
            operator.execute(f"DELETE FROM sqlqueue_jobs WHERE id < '{kept[0]}'")
        return kept

    return flood


def ids(url):
    with closing(onlooker(url)) as operator:
        return [row["id"] for row in operator.execute("SELECT id FROM sqlqueue_jobs ORDER BY id").fetchall()]


def test_what_is_large_and_nearly_empty_is_written_anew(flooded, database_url, monkeypatch):
    kept = flooded()
    monkeypatch.setattr(room, "LARGE", 1 << 20)
    done = compact(database_url)
    assert done.why_not is None
    assert done.before > 1 << 20
    assert done.after < done.before / 2
    assert ids(database_url) == kept


def test_what_is_small_is_left_alone_unless_told(flooded, database_url):
    kept = flooded()
    done = compact(database_url)
    assert done.before == done.after
    assert "less than 32 MB" in str(done.why_not) or "smaller than 32 MB" in str(done.why_not)
    assert compact(database_url, force=True).after < done.before
    assert ids(database_url) == kept


def test_what_is_full_is_left_alone(flooded, database_url, monkeypatch):
    monkeypatch.setattr(room, "LARGE", 0)
    monkeypatch.setattr(room, "FEW", 100)
    flooded(left=JOBS)
    assert "everybody would wait" in str(compact(database_url).why_not)


def test_who_does_not_let_go_is_not_waited_for(flooded, database_url, monkeypatch, app):
    monkeypatch.setattr(room, "TRIES", 2)
    monkeypatch.setattr(room, "PAUSE", 0.0)
    kept = flooded()
    with closing(onlooker(database_url)) as other:
        other.execute(LOCK[app.store.dialect.name])
        with pytest.raises(StoreUnavailable, match="cannot compact the jobs in"):
            compact(database_url, force=True)
    assert ids(database_url) == kept


def test_who_does_not_own_the_table_is_told(postgres_url):
    role = f"guest_{uuid.uuid4().hex}"
    with closing(onlooker(postgres_url)) as operator:
        operator.execute(f"CREATE ROLE {role} LOGIN")
        operator.execute(f"GRANT SELECT ON sqlqueue_jobs TO {role}")
        try:
            url = make_url(postgres_url).set(username=role).render_as_string(hide_password=False)
            with pytest.raises(StoreUnavailable, match="only the owner of sqlqueue_jobs"):
                compact(url, force=True)
        finally:
            operator.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_the_command_says_what_it_did(flooded, database_url):
    flooded()
    told = [CliRunner().invoke(main, ["-b", database_url, "compact", *words]) for words in ([], ["--force"])]
    assert [one.exit_code for one in told] == [0, 0]
    assert told[0].output.startswith("Left alone: ")
    assert " MB before, " in told[1].output

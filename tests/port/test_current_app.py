"""Which app code means that names none: in the app's own thread, in those of a web server, in those of a worker."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sqlqueue.celery import Celery, _state, current_app, current_task, group, shared_task
from sqlqueue.celery.exceptions import ImproperlyConfigured
from tests.support.inprocess import working

PATIENCE = 30


def elsewhere(function):
    """Return what a function returns in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(PATIENCE)


@pytest.fixture
def app(database_url):
    """An app that was only made, as a project's module makes it."""
    with Celery("proj", broker=database_url) as app:
        yield app


def test_a_thread_that_is_not_the_apps_own_sends_by_it(app, add):
    sent = elsewhere(lambda: add.delay(3).id)
    members = elsewhere(lambda: [one.id for one in group(add.s(1), add.s(2)).delay()])
    assert app.jobs.show(sent).job.task == "add"
    assert {app.jobs.show(one).job.task for one in members} == {"add"}
    assert elsewhere(lambda: current_app.main) == "proj"


@pytest.mark.parametrize("pool", ["threads", "solo", "asyncio"])
def test_a_task_finds_itself_and_sends_others(app, add, pool):
    @app.task(name="outer")
    def outer():
        return [current_task.name, current_task.request.id, current_app.main, add.delay(1, 1).id]

    with working(app, "celery", pool=pool):
        sent = outer.delay()
        name, own, main, inner = sent.get(timeout=PATIENCE)
        assert (name, own, main) == ("outer", sent.id, "proj")
        assert app.AsyncResult(inner).get(timeout=PATIENCE) == 2


def test_the_app_of_a_worker_is_that_of_all_its_threads(app, database_url):
    with Celery("later", broker=database_url):
        assert elsewhere(lambda: current_app.main) == "later"
        app.discovery.import_all()
        assert (current_app.main, elsewhere(lambda: current_app.main)) == ("proj", "proj")


def test_the_default_app_comes_before_the_last_that_was_made(app, database_url):
    app.set_default()
    with Celery("later", broker=database_url):
        assert (current_app.main, elsewhere(lambda: current_app.main)) == ("later", "proj")


def test_without_an_app_nothing_is_sent_to_a_database_that_nobody_serves(tmp_path, monkeypatch, database_url):
    @shared_task(name="lonely")
    def lonely():
        return threading.current_thread().name

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SQLQUEUE_BROKER_URL", raising=False)
    with pytest.raises(ImproperlyConfigured, match="import the module that makes your app first"):
        lonely.delay()
    assert not (tmp_path / "sqlqueue.db").exists()
    assert lonely.apply().get() == threading.current_thread().name
    _state.made_up_app = None
    monkeypatch.setenv("SQLQUEUE_BROKER_URL", database_url)
    assert current_app.jobs.show(lonely.delay().id).job.task == "lonely"
    current_app.close()

"""The examples with which it all began, word for word but for the import: in our spelling and in Celery's."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from sqlqueue.domain.outcome import Failed
from sqlqueue.store.operation import Statement, ask
from sqlqueue.testing.drain import drain
from tests.support.processes import wait_until
from tests.support.runners import onlooker

PATIENCE = 30.0


class Spelling(NamedTuple):
    """``made`` is the text that makes the app, ``bare`` one of no database; ``module`` is run for its command line."""

    made: str
    bare: str
    module: str


OURS = Spelling(
    "from sqlqueue import SQLQueue\n\ncelery = SQLQueue('tasks', broker={url!r})\n",
    "from sqlqueue import SQLQueue\n\ncelery = SQLQueue('tasks')\n",
    "sqlqueue",
)
CELERYS = Spelling(
    "from sqlqueue.celery import Celery\n\ncelery = Celery('tasks', broker={url!r}, backend='db+sqlite:///x')\n",
    "from sqlqueue.celery import Celery\n\ncelery = Celery('tasks')\n",
    "sqlqueue.celery",
)

TASKS = """
@celery.task
def add(x, y):
    return x + y


@celery.task(name="reports.daily")
def report():
    return "daily"
"""

ROUTED = """
import re

celery.conf.task_routes = (
    {{"tasks.add": "adding", "reports.*": {{"queue": "reports", "priority": 3}}}},
    {{re.compile(r"tasks\\.other$"): "others"}},
    lambda name, args, kwargs, options, task=None, **kw: {{"queue": "large"}} if args and args[0] > 100 else None,
)


@celery.task
def other(x):
    return x


@celery.task
def third(x):
    return x
"""


@pytest.fixture(params=[OURS, CELERYS], ids=["ours", "celerys"])
def spelling(request):
    return request.param


@pytest.fixture
def written(place, spelling):
    """Write ``tasks.py`` and return a function that imports it."""

    def write(more="", *, bare=False):
        made = spelling.bare if bare else spelling.made
        (place.folder / "tasks.py").write_text(made.format(url=place.url) + TASKS + more.format())
        return place.app()

    yield write
    module: Any = sys.modules.get("tasks")
    if module is not None:
        module.app = module.celery


def rows(app, sql):
    def read(_):
        return (yield from ask(Statement(sql)))

    return [tuple(row) for row in app.store.read(read)]


def test_two_named_workers_and_a_queue_of_ones_own(place, spelling, written):
    tasks = written()

    def worker(*options):
        words = ("-A", "tasks", "worker", "--loglevel=info", *options)
        return place.run(*words, module=spelling.module).wait_ready()

    default = "celery" if spelling is CELERYS else "default"
    first = worker("--hostname=test-worker1")
    second = worker("--hostname=test-worker2", "-Q", "testq", "-P", "threads", "-c", "2")
    result = tasks.add.delay(4, 4)
    assert result.get(timeout=PATIENCE) == 8
    assert result.successful()
    for sent in (
        tasks.add.apply_async((4, 4)), tasks.add.apply_async(4, 4), tasks.add.apply_async(args=(4, 4)),
    ):  # fmt: skip
        assert sent.get(timeout=PATIENCE) == 8
    apart = [tasks.add.apply_async((4, 4), queue="testq"), tasks.add.apply_async(4, 4, queue="testq")]
    assert [one.get(timeout=PATIENCE) for one in apart] == [8, 8]
    assert tasks.add(4, 4) == 8

    ran = rows(
        tasks.celery,
        "SELECT w.name, r.queue, count(*) FROM sqlqueue_results r JOIN sqlqueue_workers w ON w.incarnation = r.worker"
        " GROUP BY w.name, r.queue ORDER BY 1",
    )
    names = [name for name, _, _ in ran]
    assert [name.partition("@")[0] for name in names] == ["test-worker1", "test-worker2"]
    assert [(queue, count) for _, queue, count in ran] == [(default, 4), ("testq", 2)]
    for name, known in rows(tasks.celery, "SELECT name, CAST(tasks AS text) FROM sqlqueue_workers"):
        assert name in names
        assert '"tasks.add"' in known
        assert '"reports.daily"' in known
    (beat,) = rows(tasks.celery, "SELECT min(beat_at) FROM sqlqueue_workers")
    wait_until("a beat", lambda: rows(tasks.celery, "SELECT min(beat_at) FROM sqlqueue_workers") != [beat])
    assert (first.finish(), second.finish()) == (0, 0)


def test_names_globs_regexes_and_functions_route(written):
    tasks = written(ROUTED)
    sent = {
        tasks.add.delay(1, 1).id: ("adding", 0),
        tasks.report.delay().id: ("reports", 3),
        tasks.other.delay(1).id: ("others", 0),
        tasks.third.delay(101).id: ("large", 0),
        tasks.third.delay(1).id: (tasks.celery.conf.task_default_queue, 0),
        tasks.add.apply_async((1, 1), queue="mine").id: ("mine", 0),
        tasks.report.apply_async(priority=9).id: ("reports", 9),
    }
    found = rows(tasks.celery, "SELECT id, queue, priority FROM sqlqueue_jobs")
    assert {id_: (queue, priority) for id_, queue, priority in found} == sent


OLD = {
    "CELERY_TASK_SERIALIZER": "json", "CELERY_RESULT_SERIALIZER": "json", "CELERY_TIMEZONE": "Europe/Oslo",
    "CELERY_ENABLE_UTC": True, "CELERY_DEFAULT_QUEUE": "configured",
}  # fmt: skip
NEW = {
    "task_serializer": "json", "result_serializer": "json", "timezone": "Europe/Oslo", "enable_utc": True,
    "task_default_queue": "configured",
}  # fmt: skip


WAITING = "SELECT queue, CAST(run_at AS text) AS run_at, CAST(args AS text) AS args FROM sqlqueue_jobs"
OVER = "SELECT id, coalesce(CAST(result AS text), 'None') AS result FROM sqlqueue_results"


def by_module(app, values, place, monkeypatch):
    (place.folder / "celeryconfig.py").write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()))
    monkeypatch.syspath_prepend(place.folder)
    monkeypatch.delitem(sys.modules, "celeryconfig", raising=False)
    app.config_from_object("celeryconfig")


def by_update(app, values, place, monkeypatch):
    app.conf.update(**values)


def by_attribute(app, values, place, monkeypatch):
    for name, value in values.items():
        setattr(app.conf, name, value)


def by_class(app, values, place, monkeypatch):
    app.config_from_object(type("Config", (), values))


def by_object(app, values, place, monkeypatch):
    app.config_from_object(type("Config", (), values)())


@pytest.mark.parametrize("values", [OLD, NEW], ids=["old names", "new names"])
@pytest.mark.parametrize("configure", [by_module, by_update, by_attribute, by_class, by_object])
def test_each_form_of_configuration_counts(place, written, monkeypatch, configure, values):
    monkeypatch.delenv("SQLQUEUE_BROKER_URL")
    tasks = written(bare=True)
    names = ("BROKER_URL", "CELERY_RESULT_BACKEND") if values is OLD else ("broker_url", "result_backend")
    configure(tasks.celery, values | dict.fromkeys(names, place.url), place, monkeypatch)
    tasks.add.apply_async((4, 4), eta=datetime(2027, 7, 1, 12, 0))  # noqa: DTZ001 - in the app's timezone
    now = tasks.add.delay(4, "4")
    assert [type(one) for one in drain(tasks.celery)] == [Failed]
    assert tasks.add.delay(4, 4).id
    drain(tasks.celery)
    with closing(onlooker(place.url)) as there:  # the database that the setting names, however the app was made
        ((queue, run_at, args),) = [dict(row).values() for row in there.execute(WAITING).fetchall()]
        results = dict(tuple(dict(row).values()) for row in there.execute(OVER).fetchall())
    assert (queue, json.loads(args)) == ("configured", [4, 4])
    assert datetime.fromisoformat(run_at.replace("+00", "+00:00") if run_at.endswith("+00") else run_at) == (
        datetime.fromisoformat("2027-07-01T10:00:00+00:00")
    )
    assert sorted(results.values()) == ["8", "None"]
    assert results[now.id] == "None"
    conf = tasks.celery.conf
    assert {name: conf[name] for name in (*OLD, *NEW)} == OLD | NEW
    assert (conf.broker_url, conf.result_backend) == (place.url, place.url)

"""`install`, the settings and the command line of a Celery project."""

import importlib
import os
import subprocess
import sys

import pytest

import sqlqueue.celery
from sqlqueue.celery import Celery, absent, current_app, current_task, result, utils
from sqlqueue.celery import app as ported
from sqlqueue.celery.bin import translated
from sqlqueue.errors import ConfigError, WaitingInTask
from tests.support.processes import wait_until

MODULES = {
    "": "app backends.base canvas exceptions result signals states utils",
    ".app": "base task trace",
    ".contrib": "django.task pytest testing.app testing.manager testing.tasks testing.worker",
    ".utils": "dispatch log nodenames serialization",
    ".worker": "consumer control state",
}
NAMES = ["celery", *(f"celery{where}.{name}" for where, names in MODULES.items() for name in names.split())]

SCRIPT = """
import importlib, sys
import sqlqueue.celery
sqlqueue.celery.install()
for name in sys.argv[1:]:
    ours = importlib.import_module(name.replace("celery", "sqlqueue.celery", 1))
    assert importlib.import_module(name) is ours, name
    assert ours.__spec__.name.startswith("sqlqueue.celery"), ours.__spec__
from celery import Celery, shared_task
from celery.exceptions import Retry
assert Celery is sqlqueue.celery.Celery
try:
    import celery.nothing
except ModuleNotFoundError as error:
    print(error)
"""


def test_every_module_is_one_under_both_names():
    done = subprocess.run([sys.executable, "-c", SCRIPT, *NAMES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "celery.nothing" in done.stdout


ABSENT = {
    "schedules": "there is no beat yet",
    "beat": "there is no beat yet",
    "app.log": "worker_task_log_format",
    "bin.worker": "python -m sqlqueue.celery",
    "bugreport": "use app.bugreport",
    "task.base": "shared_task, or app.task",
    "utils.imports": "of Celery's own helpers",
    "worker.request": "connect to signals",
    "bootsteps": "connect to its signals",
    "concurrency.prefork": "-P prefork, threads",
    "contrib.abortable": "terminate=True",
    "worker.components": "connect to its signals",
    "nothing.at_all": "docs/celery.md lists what there is",
}


@pytest.mark.parametrize("name", ABSENT)
def test_a_module_that_is_not_here_says_why(name):
    with pytest.raises(
        ModuleNotFoundError, match=f"celery.{name.partition('.')[0]}.* is not here: .*{ABSENT[name]}"
    ) as raised:
        importlib.import_module(f"sqlqueue.celery.{name}")
    assert str(raised.value.name).startswith("celery.")


REASON = {
    "schedules": absent.NO_BEAT,
    "bootsteps": absent.NO_BOOTSTEPS,
    "bin.worker": absent.NO_COMMANDS,
    "app.default_app": "use from celery import current_app",
    "nothing": "docs/celery.md lists what there is",
}


@pytest.mark.parametrize("package", ["sqlqueue.celery", "celery"])
@pytest.mark.parametrize("name", list(REASON))
def test_a_module_that_is_taken_from_its_package_says_why_too(package, name):
    inside, _, last = f"{package}.{name}".rpartition(".")
    script = (
        "import sqlqueue.celery as ours\nours.install()\n"
        f"try:\n    from {inside} import {last}\nexcept ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.strip()) == ("", f"celery.{name} is not here: {REASON[name]}")


def test_a_part_that_is_not_here_as_an_attribute():
    assert not hasattr(sqlqueue.celery, "schedules")
    with pytest.raises(AttributeError, match=r"celery\.schedules is not here: there is no beat yet"):
        _ = sqlqueue.celery.schedules  # type: ignore[attr-defined]
    assert (ported.current_app, ported.current_task) == (current_app, current_task)


def test_small_helpers():
    assert list(utils.chunks(iter(range(5)), 2)) == [[0, 1], [2, 3], [4]]
    assert (utils.nodename("w", "host"), utils.worker_direct("w@host")) == ("w@host", "w@host.dq2")
    app = Celery("helpers", set_as_current=False)

    @app.task(name="waits")
    def waits():
        result.assert_will_not_block()
        with pytest.raises(WaitingInTask), result.denied_join_result():
            result.assert_will_not_block()
        return result.task_join_will_block()

    assert waits.apply().get() is False
    with result.denied_join_result():  # outside a task nobody is refused
        result.assert_will_not_block()


def test_a_package_that_cannot_be_imported_is_said_in_a_line(tmp_path):
    (tmp_path / "proj").mkdir()
    (tmp_path / "proj" / "__init__.py").write_text("import nothing_like_it\n")
    done = subprocess.run(
        [sys.executable, "-m", "sqlqueue.celery", "-A", "proj", "worker"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "nothing_like_it" in done.stderr
    assert "Traceback" not in done.stderr


CONFIG = """
from datetime import timedelta
import os
CELERY_BROKER_URL = "sqla+sqlite:///jobs.db"
CELERY_RESULT_BACKEND = "redis://localhost"
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ROUTES = {"proj.tasks.*": "fast"}
CELERY_CASSANDRA_SERVERS = ["here"]
"""


def test_settings_of_a_project(tmp_path, monkeypatch):
    (tmp_path / "settings.py").write_text(CONFIG)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    app = Celery("proj", set_as_current=False)
    app.config_from_object("settings", namespace="CELERY")
    conf = app.conf
    assert conf.broker_url == "sqlite:///jobs.db"
    assert conf.result_backend == "redis://localhost"
    assert conf.task_routes == {"proj.tasks.*": "fast"}
    assert (conf.task_default_queue, conf.task_acks_late) == ("celery", False)
    assert (conf.CASSANDRA_SERVERS, conf.broker_pool_limit) == (["here"], 10)
    conf.update(my_own=3)
    assert (conf.my_own, conf["my_own"], "my_own" in conf, conf.get("nothing", 4)) == (3, 3, True, 4)
    sys.modules.pop("settings", None)


def test_a_value_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="worker_pool"):
        Celery("proj", set_as_current=False, worker_pool="eventlet!")


def test_a_broker_that_is_no_database(monkeypatch):
    monkeypatch.delenv("SQLQUEUE_BROKER_URL", raising=False)
    with pytest.raises(ConfigError, match="SQLQUEUE_BROKER_URL"):
        Celery("proj", broker="redis://:secret@localhost", set_as_current=False)
    monkeypatch.setenv("SQLQUEUE_BROKER_URL", "sqlite:///instead.db")
    app = Celery("proj", broker="redis://localhost", set_as_current=False)
    assert app.conf.broker_url == "sqlite:///instead.db"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("-A proj worker -Q a,b -n w@%h -l INFO -c 2", "-A proj worker -Q a,b -n w@%h -l INFO -c 2"),
        ("-A proj worker -E --without-gossip -O fair --prefetch-multiplier=1", "-A proj worker -E -n celery@%h"),
        ("--app=proj worker -P gevent --hostname=x", "-A proj worker -P asyncio --hostname=x"),
        ("-A proj inspect ping", "-A proj inspect ping"),
    ],
)
def test_command_lines(theirs, ours):
    assert translated(theirs.split()) == ours.split()


PROJECT = {
    "proj/__init__.py": "from .celery import app as celery_app\n",
    "proj/celery.py": """
from celery import Celery
app = Celery("proj")
app.config_from_object("celeryconfig")
app.autodiscover_tasks(["proj", "os"])
""",
    "proj/tasks.py": """
from celery import shared_task
from celery.signals import task_prerun, worker_process_init
from celery.utils.log import get_task_logger
seen = []
task_prerun.connect(lambda task_id, **rest: seen.append(task_id), weak=False)
worker_process_init.connect(lambda **rest: seen.append("child"), weak=False)
@shared_task(bind=True)
def add(self, x, y):
    get_task_logger(__name__).warning("adding")
    return [x + y, seen == ["child", self.request.id], self.request.hostname]
""",
}


def test_a_project_that_is_not_edited_and_its_worker(tmp_path, database_url):
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "celeryconfig.py").write_text(f"broker_url = {database_url!r}\nresult_backend = 'rpc://'\n")
    words = ["-A", "proj", "worker", "-Q", "celery", "-n", "w@%n", "-l", "INFO", "-E", "--without-mingle"]
    words += ["--", "worker.concurrency=1", "worker_task_log_format=%(task_name)s SAYS %(message)s"]
    log = (tmp_path / "log").open("w")
    worker = subprocess.Popen([sys.executable, "-m", "sqlqueue.celery", *words], cwd=tmp_path, stderr=log, stdout=log)
    try:
        wait_until("the worker", lambda: "is ready" in (tmp_path / "log").read_text() or worker.poll() is not None)
        script = (
            "import sqlqueue.celery; sqlqueue.celery.install()\n"
            "from proj.tasks import add\nprint(add.delay(1, y=2).get(timeout=30))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        assert (done.stderr, done.stdout[:8]) == ("", "[3, True")
        assert "w@" in done.stdout
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
        log.close()
    assert "proj.tasks.add SAYS adding" in (tmp_path / "log").read_text()
    assert "concurrency: 1 (prefork)" in (tmp_path / "log").read_text()

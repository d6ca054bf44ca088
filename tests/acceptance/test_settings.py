"""Settings that only a worker asks for: their effect in a real one, whose command line says nothing of them."""

from __future__ import annotations

import re

import pytest

from sqlqueue import SoftTimeLimitExceeded, TimeLimitExceeded

PATIENCE = 40.0

TASKS = """
import os
import threading

from sqlqueue import SQLQueue

app = SQLQueue("tasks", imports=["more_tasks"], include=["even_more_tasks"], {settings})
three = threading.Barrier(3)


@app.task
def together():
    return three.wait(30) >= 0


@app.task
def endless():
    while True:
        threading.Event().wait(0.005)


@app.task(rate_limit="1/h")
def seldom():
    return os.getpid()


BORN_IN = os.getpid()


@app.task
def who():
    return [os.getpid(), BORN_IN == os.getpid()]


@app.task
def speak():
    print("printed")
"""
MORE = "from tasks import app\n\n\n@app.task(name={name!r})\ndef more():\n    return {name!r}\n"

OF_THREADS = {
    "worker_pool": "threads", "worker_concurrency": 3, "task_soft_time_limit": 0.3, "worker_direct": True,
    "worker_disable_rate_limits": True, "task_default_rate_limit": "1/h", "worker_log_format": "LINE %(message)s",
    "worker_task_log_format": "IN %(task_name)s AT %(asctime)s %(message)s", "worker_task_log_datefmt": "NOW",
    "worker_redirect_stdouts_level": "ERROR", "worker_log_color": True,
}  # fmt: skip
OF_CHILDREN = {"worker_concurrency": 1, "task_time_limit": 0.9, "worker_redirect_stdouts": False}


@pytest.fixture
def configured(place):
    """Write ``tasks.py`` with these settings, and start a worker that is told no more than its name."""

    def start(settings, **environment):
        said = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        (place.folder / "tasks.py").write_text(TASKS.format(settings=said))
        for name in ("more_tasks", "even_more_tasks"):
            (place.folder / f"{name}.py").write_text(MORE.format(name=name))
        worker = place.run("-A", "tasks", "worker", "-l", "info", "-n", "w@here", **environment).wait_ready()
        return place.app(), worker

    return start


def get(result):
    return result.get(timeout=PATIENCE)


def test_a_pool_of_threads_and_its_log(configured):
    tasks, worker = configured(OF_THREADS)
    assert [get(one) for one in [tasks.together.delay() for _ in range(3)]] == [True] * 3
    assert len({get(tasks.seldom.delay()) for _ in range(3)}) == 1
    for name in ("more_tasks", "even_more_tasks"):
        assert get(tasks.app.send_task(name, queue="w@here.dq2")) == name
    with pytest.raises(SoftTimeLimitExceeded):
        get(tasks.endless.delay())
    get(tasks.speak.delay())
    worker.wait_for("IN tasks.speak AT NOW printed")
    assert worker.finish() == 0
    assert re.search(r"^LINE tasks\.speak\[.*\] succeeded", worker.output, re.MULTILINE)
    assert "\x1b[31mIN tasks.speak" in worker.output, "at the level of errors, in their colour"


@pytest.mark.parametrize(
    ("more", "environment"),
    [
        ({"worker_pool_start_method": "spawn", "worker_max_tasks_per_child": 2}, {}),
        ({"worker_pool": "threads", "worker_max_memory_per_child": 1}, {"SQLQUEUE_WORKER_POOL": "prefork"}),
    ],
    ids=["spawned", "forked"],
)
def test_a_pool_of_children(configured, more, environment):
    """What the environment says to the command line goes before what the app's settings say."""
    tasks, worker = configured(OF_CHILDREN | more, **environment)
    told = [get(tasks.who.delay()) for _ in range(5)]
    assert len({pid for pid, _ in told}) >= 3
    assert {fresh for _, fresh in told} == {"worker_pool_start_method" in more}
    with pytest.raises(TimeLimitExceeded):
        get(tasks.endless.delay())
    get(tasks.speak.delay())
    assert worker.finish() == 0
    assert re.search(r"^printed$", worker.output, re.MULTILINE), "as it was printed, no line of the log"

"""Which process of a worker is told what: the parent of its beginning, each child of its own."""

from __future__ import annotations

TASKS = '''"""An app that writes down which signals this process hears."""

import os
from pathlib import Path

from sqlqueue import SQLQueue
from sqlqueue.signals import celeryd_init, worker_init, worker_process_init

app = SQLQueue("tasks")


def write_down(signal):
    def told(**_):
        with Path(__file__).with_name("told").open("a") as file:
            file.write(f"{signal.name} {os.getpid()}\\n")

    signal.connect(told, weak=False)


for one in (celeryd_init, worker_init, worker_process_init):
    write_down(one)


@celeryd_init.connect
def change(conf, **_):
    conf.timezone = "Asia/Tokyo"
    conf.task_routes = {"mail.*": {"queue": "mail"}}


@worker_init.connect
def change_more(instance, **_):
    instance.conf.task_default_priority = 7


@app.task(queue="testq")
def whoami():
    conf = app.conf
    return [os.getpid(), conf.timezone, conf.task_routes, conf.task_default_priority, conf.task_default_queue]
'''


def test_a_spawned_child_hears_of_itself_and_not_of_the_beginning_of_its_worker(place):
    (place.folder / "tasks.py").write_text(TASKS)
    tasks = place.app()
    worker = place.worker("-c", "1", "--pool-start-method", "spawn").wait_ready()
    child, *settings = tasks.whoami.delay().get(timeout=40.0)
    assert settings == ["Asia/Tokyo", {"mail.*": {"queue": "mail"}}, 7, "default"], "as the parent has them"
    told = [line.split() for line in (place.folder / "told").read_text().splitlines()]
    assert [name for name, _ in told] == ["celeryd_init", "worker_init", "worker_process_init"]
    first, second, third = (int(pid) for _, pid in told)
    assert first == second != third == child
    assert worker.finish() == 0

"""A worker under development: when its code has changed it starts over, after its running tasks."""

import sys

from tests.support.processes import wait_until


def held_by(place):
    return list(place.folder.glob("held-by-*"))


def edit(place, old, new):
    path = place.folder / "tasks.py"
    path.write_text(path.read_text().replace(old, new))


def test_running_tasks_finish_and_then_the_new_code_runs(place):
    tasks = place.app()
    worker = place.worker("-P", "threads", "-c", "1", "--reload").wait_ready()
    running = tasks.hold.delay(str(place.folder))
    wait_until("the task to start", lambda: held_by(place))
    edit(place, "return x + y", "return x + y + 100")
    worker.wait_for("tasks.py has changed")
    waiting = tasks.add.delay(1, 1)
    assert not running.ready()
    (place.folder / "go").touch()
    assert running.get(timeout=60) == worker.process.pid
    assert waiting.get(timeout=60) == 102
    edit(place, "return x + y + 100", "return x + y +")
    worker.wait_for("waiting for the code to change")
    assert "SyntaxError" in worker.output
    edit(place, "return x + y +\n", "return x + y + 7\n")
    assert tasks.add.delay(1, 1).get(timeout=60) == 9
    assert worker.finish() == 0
    assert "Traceback" not in worker.output


def test_without_what_watches(place):
    (place.folder / "watchfiles.py").write_text("raise ImportError('no module named watchfiles')")
    worker = place.worker("--reload", PYTHONPATH=f"{place.folder}:{':'.join(sys.path)}")
    assert worker.end() == 1
    assert "--reload needs watchfiles" in worker.output
    assert "sqlqueue-jobs[reload]" in worker.output
    assert "Traceback" not in worker.output

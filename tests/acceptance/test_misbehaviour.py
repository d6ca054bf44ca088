"""Tasks that do what no task should: each ends in a result, and the worker goes on and ends in good order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlqueue import EncodingError, TaskFailed

PATIENCE = 60.0
POOLS = ["prefork", "threads", "asyncio", "solo"]


@pytest.fixture
def rude(place):
    """A place whose tasks misbehave."""
    (place.folder / "tasks.py").write_text((Path(__file__).parent / "misbehaving_tasks.py").read_text())
    return place


@pytest.mark.parametrize("pool", POOLS)
def test_each_misdeed_ends_in_a_result_and_the_worker_in_good_order(rude, pool):
    tasks = rude.app()
    worker = rude.worker("-P", pool, "-c", "1").wait_ready()
    assert tasks.move.delay("/").get(timeout=PATIENCE) == "/"
    for task in (tasks.leave, tasks.aleave):
        with pytest.raises(TaskFailed, match="SystemExit: 3"):
            task.delay().get(timeout=PATIENCE)
    for task in (tasks.interrupt, tasks.ainterrupt):
        with pytest.raises(TaskFailed, match="KeyboardInterrupt"):
            task.delay().get(timeout=PATIENCE)
    assert tasks.hooked.delay("after").get(timeout=PATIENCE) == "after"
    for when, kind in (("before", TaskFailed), ("resist", tasks.Resisting)):
        with pytest.raises(kind, match="SystemExit: 3" if when == "before" else None):
            tasks.hooked.delay(when).get(timeout=PATIENCE)
    with pytest.raises(EncodingError, match=r"the task's result.lock is of type lock"):
        tasks.unstorable.delay().get(timeout=PATIENCE)
    large = "x" * (3 << 19)
    assert tasks.repeat.delay(large, 1).get(timeout=PATIENCE) == large, "more than usual, but no more than the limit"
    with pytest.raises(EncodingError, match=r"tasks.repeat: the task's result is 3,145,730.* setting result_max_size"):
        tasks.repeat.delay(large, 2).get(timeout=PATIENCE)
    with pytest.raises(tasks.Unpicklable, match="a lock"):
        tasks.unpicklable.delay().get(timeout=PATIENCE)
    with pytest.raises((TaskFailed, tasks.Mute)) as caught:
        tasks.mute.delay().get(timeout=PATIENCE)
    assert caught.type.__name__ in ("Mute", "TaskFailed")
    assert tasks.split.delay().get(timeout=PATIENCE) == [1, 5], "one outcome, and its children are gone"
    assert tasks.flood.delay(2).get(timeout=PATIENCE) == 2
    assert tasks.deafen.delay().get(timeout=PATIENCE) is (pool == "prefork")
    assert tasks.add.delay(1, 1).get(timeout=PATIENCE) == 2, "the worker outlives all of that"
    assert worker.finish() == 0
    assert "has stopped" in worker.output


@pytest.mark.parametrize("pool", POOLS)
def test_what_a_task_says_is_in_the_log_with_its_name_and_id(rude, pool):
    tasks = rude.app()
    worker = rude.worker("-P", pool, "-c", "1").wait_ready()
    result = tasks.speak.delay()
    result.get(timeout=PATIENCE)
    assert worker.finish() == 0
    for words in ("WARNING] {}printed by a task", "INFO] {}logged by a task", "WARNING] {}said by a library"):
        assert words.format(f"tasks.speak[{result.id}]: ") in worker.output
    assert "\x1b" not in worker.output, "no colours where there is no terminal"


def test_the_log_as_json(rude):
    tasks = rude.app()
    worker = rude.worker("-P", "threads", "--log-json").wait_ready()
    result = tasks.speak.delay()
    result.get(timeout=PATIENCE)
    assert worker.finish() == 0
    lines = [json.loads(line) for line in worker.output.splitlines() if line.startswith("{")]
    spoken = [line for line in lines if line["message"] == "logged by a task"]
    assert [(line["level"], line["task"], line["id"]) for line in spoken] == [("INFO", "tasks.speak", result.id)]
    assert any(line["message"].endswith("has stopped") and "task" not in line for line in lines)

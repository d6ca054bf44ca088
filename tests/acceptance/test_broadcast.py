"""Real workers and a broadcast queue: one of them is killed over its copy, and does it when it is back."""

from pathlib import Path

from tests.support.processes import wait_until

TASKS = Path(__file__).parent / "spread_tasks.py"
PATIENCE = 40.0


def visited(place):
    return {path.name.removeprefix("at-") for path in place.folder.glob("at-*")}


def left(app):
    return {(one.queue, one.task): one.jobs for one in app.queues.counts()}


def test_a_killed_worker_does_its_copy_when_it_is_back(place):
    (place.folder / "tasks.py").write_text(TASKS.read_text())
    tasks = place.app()
    first = place.worker("-Q", "news", "-P", "prefork", "-c", "1", "-n", "w1").wait_ready()
    second = place.worker("-Q", "news", "-P", "threads", "-n", "w2").wait_ready()
    assert ".> news, by every worker" in first.output
    sent = tasks.visit.delay(str(place.folder))
    wait_until("both to be at it", lambda: visited(place) == {"w1", "w2"})
    second.kill()
    (place.folder / "go").touch()
    first.wait_for("worker w2 is dead")
    wait_until(
        "the other's to be done",
        lambda: left(tasks.app) == {("news", "sqlqueue.join"): 1, ("news@w2", "tasks.visit"): 1},
    )
    assert not sent.ready()
    again = place.worker("-Q", "news", "-P", "solo", "-n", "w2").wait_ready()
    assert sent.get(timeout=PATIENCE) == ["w1", "w2"]
    assert left(tasks.app) == {}
    assert (first.finish(), again.finish()) == (0, 0)

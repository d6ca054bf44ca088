"""Real workers and whoever watches them from another process: ``sqlqueue events``, and being told to tell."""

import json

from tests.support.processes import wait_until

PATIENCE = 20.0
NODE = "one@here"

CUSTOM = """

@app.task(queue="testq", bind=True)
def pack(self):
    self.send_event("shop-packed", parcels=3)


@app.task(queue="testq", send_events=False)
def hidden():
    return "hidden"
"""


def test_events_are_printed_as_they_happen(place):
    with (place.folder / "tasks.py").open("a") as file:
        file.write(CUSTOM)
    tasks = place.app()
    worker = place.worker("-P", "prefork", "-c", "1", "-n", NODE).wait_ready()
    dump = place.run("-A", "tasks", "events", "--dump")
    dump.wait_for("worker-heartbeat")
    lines = place.run("events", "--dump", "--json", "--limit", "200")
    lines.wait_for("worker-heartbeat")
    added, failed = tasks.add.delay(2, 3), tasks.fail.delay("two\nlines")
    held = tasks.hold.delay(str(place.folder))
    dump.wait_for(f"task-started tasks.hold[{held.id}]")
    assert not held.ready()
    held.revoke(terminate=True)
    dump.wait_for(f"task-revoked tasks.hold[{held.id}] terminated=True signum=SIGTERM")
    dump.wait_for(f"{NODE} task-received tasks.add[{added.id}] args=(2, 3) kwargs={{}}")
    dump.wait_for(f"{NODE} task-succeeded tasks.add[{added.id}] result=5 runtime=")
    dump.wait_for(f"{NODE} task-failed tasks.fail[{failed.id}] exception=ValueError: two\\nlines traceback=Traceback")
    secret, packed = tasks.hidden.delay(), tasks.pack.delay()
    assert packed.get(timeout=30) is None
    assert worker.finish() == 0
    lines.wait_for("worker-offline")
    assert secret.get(timeout=30) == "hidden"
    events = [json.loads(line) for line in lines.output.splitlines()]
    (started,) = [event for event in events if event["type"] == "task-started" and event["uuid"] == held.id]
    (parcels,) = [event["parcels"] for event in events if event["type"] == "shop-packed" and event["uuid"] == packed.id]
    assert (parcels, [event for event in events if event.get("uuid") == secret.id]) == (3, [])
    assert (started["hostname"], started["pid"] != worker.process.pid) == (NODE, True)
    wrong = place.run("events")
    assert (wrong.end(), "use --dump" in wrong.output) == (1, True)


def test_a_worker_that_is_to_tell_does_so_while_nobody_watches(place):
    tasks = place.app()
    worker = place.worker("-P", "threads", "-n", NODE, "-E").wait_ready()
    inspect = tasks.app.control.inspect(NODE, timeout=PATIENCE)
    assert inspect.stats()["events"] == {"tasks": True, "enabled": True, "watched": False, "dropped": 0}
    assert tasks.add.delay(1, 2).get(timeout=30) == 3
    types = {"worker-online", "worker-heartbeat", "task-received", "task-started", "task-succeeded"}
    wait_until("all to be written", lambda: told(tasks.app) >= types)
    for word, wanted in (("disable_events", "task events disabled"), ("disable_events", "already disabled")):
        said = place.run("-A", "tasks", "control", "-t", "20", word)
        assert (said.end(), wanted in said.output) == (0, True), said.output
    assert inspect.stats()["events"]["tasks"] is False
    assert worker.finish() == 0


def told(app):
    from sqlqueue.store.ops.events import read_events

    return {one.event["type"] for one in app.store.read(read_events, 0)}

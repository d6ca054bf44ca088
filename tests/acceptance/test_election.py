"""Two real workers are asked, one of them acts; and what workers of Celery say to each other when they start."""

import json

from sqlqueue.domain.which import Which

NODES = ("one@here", "two@here")
PATIENCE = 20.0

CUSTOM = """

from pathlib import Path


@app.control_command
def leave_a_note(panel, folder: str, word: str = "x"):
    with Path(folder, "notes").open("a") as file:
        file.write(f"{word}\\n")


@app.control_command
def refuse(panel):
    return {"error": "not today"}
"""

ELECTED, ANOTHER = {"ok": "elected"}, {"ok": "another worker was elected"}


def elect(tasks, id_, topic, action=None):
    """Return what each of the two said, in order of the words."""
    said = tasks.app.control.election(id_, topic, action, reply=True, timeout=PATIENCE)
    assert sorted(name for reply in said for name in reply) == list(NODES)
    return sorted((answer for reply in said for answer in reply.values()), key=str)


def jobs_of(tasks, task):
    return tasks.app.jobs.find(Which(task=task))


def test_one_of_two_workers_acts(place):
    with (place.folder / "tasks.py").open("a") as file:
        file.write(CUSTOM)
    tasks = place.app()
    workers = [place.worker("-P", "threads", "-n", name).wait_ready() for name in NODES]
    later = tasks.add.s(2, 3).set(countdown=3600)
    assert elect(tasks, "nightly", "task", later) == [ANOTHER, ELECTED]
    assert [row.state for row in jobs_of(tasks, "tasks.add")] == ["scheduled"]
    assert elect(tasks, "nightly", "task", later) == [ANOTHER, ANOTHER], "it is over"
    assert len(jobs_of(tasks, "tasks.add")) == 1
    note = {"folder": str(place.folder), "word": "here"}
    assert elect(tasks, "note", "leave_a_note", note) == [ANOTHER, ELECTED]
    assert (place.folder / "notes").read_text() == "here\n"
    assert elect(tasks, "sorry", "refuse") == [{"error": "elected, but: not today"}, ANOTHER]
    (first, second) = elect(tasks, "wrong", "nonsense")
    assert first == second
    assert "nothing is registered for the topic 'nonsense'" in first["error"]
    assert "is a signature, such as" in elect(tasks, "wrong", "task", {"name": "x"})[0]["error"]
    assert elect(tasks, "wrong", "leave_a_note", note) == [ANOTHER, ELECTED], "who could not act was not elected"
    said = place.run(
        "-A", "tasks", "control", "-t", "20", "--json", "election", "again", "leave_a_note", json.dumps(note)
    )
    assert (said.end(), sorted(json.loads(said.output).values(), key=str)) == (0, [ANOTHER, ELECTED])
    assert (place.folder / "notes").read_text() == "here\n" * 3
    tasks.app.control.election("quietly", "leave_a_note", note)  # nobody is waited for
    wrong = place.run("-A", "tasks", "control", "election", "x", "task", "{")
    assert (wrong.end(), "'{' is no action: election <id>" in wrong.output) == (1, True)
    gone = later.delay()
    gone.revoke()
    greeted = tasks.app.control.inspect(timeout=PATIENCE).hello("me@here", revoked={"other": 1})
    assert [(name, hello["revoked"], hello["clock"] > 0) for name, hello in sorted(greeted.items())] == [
        (name, [gone.id], True) for name in NODES
    ]
    assert [worker.finish() for worker in workers] == [0, 0]

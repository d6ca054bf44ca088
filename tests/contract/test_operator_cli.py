"""The operator's commands, on both databases: what they print, what they change, how they exit."""

import json
from typing import Any, cast

import pytest
from click.testing import CliRunner

from sqlqueue import SQLQueue, TaskRevoked, chain
from sqlqueue.cli import main
from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.store.ops.cycle import Joins, cycle
from sqlqueue.store.ops.told import Told, tell
from tests.support.jobs import OTHER, send, sign_on, take


class Desk:
    """An operator's terminal, and an app to send jobs with."""

    def __init__(self, url):
        self.url = url
        self.app = SQLQueue("shop", broker=url, task_default_queue="testq")
        self.store = cast("Any", self.app.store)  # runs verbs, as a Runner does
        sign_on(self.store, OTHER, name="worker2")

    def type(self, *words, code=0, said=""):
        done = CliRunner().invoke(main, ["-b", self.url, *words], input=said, terminal_width=80)
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.output

    def json(self, *words):
        return json.loads(self.type(*words, "--json"))

    def send(self, task="bill", *args, **options):
        return self.app.send_task(task, args, **options)

    def fail(self, task="bill", error="ValueError: no money"):
        result = self.send(task, 1)
        (job,) = take(self.store, OTHER)
        send(self.store, job, Reschedule(job.id, 0.0, 1, "E: first try", 0.5), OTHER)
        (job,) = take(self.store, OTHER)
        trace = "Traceback (most recent call last):\n  in bill".replace("Traceback", "Trace")
        send(self.store, job, Finish(job.id, State.FAILED, None, 0.25, Failure(error, None, trace)), OTHER)
        return result


@pytest.fixture
def desk(database_url):
    desk = Desk(database_url)
    yield desk
    desk.app.close()


def test_a_job_is_shown_with_every_attempt(desk):
    result = desk.fail()
    text = desk.type("job", "show", result.id)
    for words in ("task      bill", "state     failed", "error     ValueError: no money", "by worker2", "2, 1 retries"):
        assert words in text
    assert "earlier attempts" in text
    assert "0.500 s  E: first try" in text
    assert "Trace (most recent call last)" in text
    shown = desk.json("job", "show", result.id)
    assert (shown["state"], shown["args"], shown["history"][0]["error"]) == ("failed", [1], "E: first try")


def test_what_a_job_tells_is_shown_beside_its_state(desk):
    result = desk.send()
    (job,) = take(desk.store, OTHER)
    desk.store.run(tell, [Told(job.id, job.token, "PACKING", '{"done":1}')])
    text = desk.type("job", "show", result.id)
    assert "state     running: PACKING" in text
    assert 'tells     PACKING {"done' in text
    assert "running: PACKING" in desk.type("list", "jobs")
    assert [row["told"] for row in desk.json("list", "jobs")] == ["PACKING"]
    desk.type("job", "revoke", result.id)
    assert "state     running: PACKING, revoked: it will have no other try" in desk.type("job", "show", result.id)


def test_an_unknown_job_is_said_so(desk):
    assert "there is no job nothing" in desk.type("job", "show", "nothing", code=1)


def test_jobs_are_revoked_by_id_and_by_filter(desk):
    first, second, other = desk.send(), desk.send(), desk.send(queue="others")
    assert "1 job revoked; running on, without another try: 0" in desk.type(
        "job", "revoke", first.id, "--reason", "not needed"
    )
    with pytest.raises(TaskRevoked, match="not needed"):
        first.get(timeout=10)
    (running,) = take(desk.store, OTHER)
    third = desk.send()
    assert "1 job revoked; running on, without another try: 1" in desk.type(
        "job", "revoke", "--queue", "testq", "--since", "1h"
    )
    assert (running.id, third.state, other.state) == (second.id, "REVOKED", "PENDING")
    assert "revoked: it will have no other try" in desk.type("job", "show", second.id)
    desk.type("job", "revoke", "nothing", code=1)


def test_naming_no_job_or_naming_them_twice_is_refused(desk):
    for words in (("job", "revoke"), ("job", "retry"), ("job", "revoke", "x", "-Q", "testq"), ("dead", "retry")):
        assert "name jobs by their ids, or by" in desk.type(*words, code=2)
    assert "is no moment" in desk.type("list", "jobs", "--since", "yesterday", code=2)


def test_the_dead_are_listed_and_return(desk):
    first, second = desk.fail(), desk.fail("charge", "KeyError: 'x'")
    text = desk.type("dead", "list")
    assert text.index(second.id) < text.index(first.id)
    assert [row["id"] for row in desk.json("dead", "list", "--error", "KeyError")] == [second.id]
    assert desk.type("dead", "retry", "--task", "charge") == "1 job ready again\n"
    assert (first.state, second.state) == ("FAILURE", "PENDING")
    assert desk.type("dead", "retry", "--all") == "1 job ready again\n"
    assert "0 jobs ready again" in desk.type("dead", "retry", "--all", code=1)
    assert "no job has failed" in desk.type("dead", "list")
    desk.type("dead", "retry", "--all", "--task", "x", code=2)


def test_steps_that_never_ran_are_counted_not_listed(desk):
    last = chain(*[desk.app.signature("bill", ()) for _ in range(4)]).delay()
    (job,) = take(desk.store, OTHER)
    ended = Finish(job.id, State.FAILED, None, 0.25, Failure("ValueError: no money", None, None))
    desk.store.run(cycle, OTHER, [ended], {job.id: job.token}, None, (), Joins({job.id}))
    text = desk.type("dead", "list")
    assert job.id in text
    assert last.id not in text
    assert "3 more never ran, since a step before them failed: --never-ran lists them" in text
    assert "more never ran" in desk.type("dead", "list", "--limit", "1")
    assert [row["id"] for row in desk.json("dead", "list")] == [job.id]
    behind = [row["id"] for row in desk.json("dead", "list", "--never-ran")]
    assert (len(behind), last.id in behind, job.id in behind) == (3, True, False)
    assert "more never ran" not in desk.type("dead", "list", "--never-ran")
    assert desk.type("dead", "retry", "--all") == "4 jobs ready again\n"
    assert "no job has failed" in desk.type("dead", "list")


def test_a_revoked_job_runs_again_and_a_result_is_forgotten(desk):
    result = desk.send()
    desk.type("job", "revoke", result.id)
    assert desk.type("job", "retry", result.id) == "1 job ready again\n"
    desk.type("job", "revoke", result.id)
    assert desk.type("job", "forget", result.id) == "1 result forgotten\n"
    desk.type("job", "show", result.id, code=1)
    desk.type("job", "forget", result.id, code=1)


def test_lists_of_jobs_tasks_and_workers(desk):
    jobs = [desk.send("bill", n) for n in range(3)]
    assert [row["id"] for row in desk.json("list", "jobs", "--state", "ready", "--limit", "2")] == [
        jobs[2].id, jobs[1].id,
    ]  # fmt: skip
    assert [row["id"] for row in desk.json("list", "jobs", "--before", jobs[1].id)] == [jobs[0].id]
    assert "no jobs" in desk.type("list", "jobs", "--state", "failed")
    assert desk.json("list", "tasks") == [{"task": "bill", "blocked": 0, "scheduled": 0, "ready": 3, "running": 0}]
    assert "worker2" in desk.type("list", "workers")


def test_queues_are_listed_paused_and_resumed(desk):
    desk.send()
    desk.type("queue", "pause", "testq", "others")
    rows = {row["queue"]: row for row in desk.json("list", "queues")}
    assert (rows["testq"]["ready"], rows["testq"]["workers"], rows["testq"]["paused"]) == (1, 1, "paused")
    assert (rows["others"]["ready"], rows["others"]["paused"]) == (0, "paused")
    assert "testq: resumed" in desk.type("queue", "resume", "testq")
    assert "testq: was not paused" in desk.type("queue", "resume", "testq", code=1)
    assert "paused" in desk.type("queue", "list")


def test_purging_asks_first(desk):
    result = desk.send()
    desk.type("purge", "-Q", "testq", said="n\n", code=1)
    assert result.state == "PENDING"
    assert "1 job thrown away" in desk.type("purge", "-Q", "testq,none", "--force")
    desk.type("job", "show", result.id, code=1)


def test_tables_fit_into_eighty_columns(desk):
    desk.fail(error="ValueError: " + "x" * 300)
    for words in (("list", "jobs"), ("dead", "list"), ("list", "queues"), ("list", "workers"), ("list", "tasks")):
        assert max(map(len, desk.type(*words).splitlines())) <= 80

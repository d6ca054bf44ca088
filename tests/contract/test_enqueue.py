"""enqueue: one row for each id, in order, due when it says."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.rows import Placed
from tests.support.jobs import QUEUE, finish, new_job, put, put_many, take, take_one

SECONDS_AHEAD = {
    "sqlite": "SELECT (julianday({0}) - julianday(created_at)) * 86400.0 AS ahead FROM sqlqueue_jobs",
    "postgres": "SELECT CAST(extract(epoch FROM {0} - created_at) AS float) AS ahead FROM sqlqueue_jobs",
}


def seconds_ahead(runner, column):
    (row,) = runner.rows(SECONDS_AHEAD[runner.backend].format(column))
    return row["ahead"]


def test_a_job_waits_as_it_was_described(runner):
    job = new_job(
        args='[1,"ä"]', kwargs='{"x":{"y":null}}', headers='{"h":1}', priority=7, acks_late=False, max_crashes=9
    )
    (placed,) = put(runner, job)
    row = runner.job(job.id)
    assert placed == Placed(job.id, QUEUE, 7, row["seq"])
    assert (row["state"], row["task"], row["queue"], row["priority"]) == ("ready", "shop.add", QUEUE, 7)
    assert (bool(row["acks_late"]), row["max_crashes"]) == (False, 9)
    assert (row["attempt"], row["retries"], row["crashes"], row["claim_token"]) == (0, 0, 0, 0)
    assert (row["worker"], row["claimed_at"], row["run_at"], row["expires_at"]) == (None, None, None, None)


def test_arguments_come_out_as_they_went_in(runner):
    args = [1, -(10**30), 0.1, 1e300, 1.0, "quote ' \" \\ 雪 \U0001f600 %s :x \n", None, True, [], {}]
    kwargs = {"a.b": [1], "": "", "%(x)s": ":y", "ключ": {"$.z": [[]]}}
    job = take_one(runner, args=json.dumps(args), kwargs=json.dumps(kwargs, ensure_ascii=False))
    assert json.loads(job.args) == args
    assert json.loads(job.kwargs) == kwargs
    assert job.headers is None


def test_a_batch_keeps_its_order_and_follows_what_is_there(runner):
    first, batch = put_many(runner, 2), [new_job() for _ in range(300)]
    placed = put(runner, *batch)
    assert [one.id for one in sorted(placed, key=lambda one: one.seq)] == [job.id for job in batch]
    assert min(one.seq for one in placed) > max(runner.job(job_id)["seq"] for job_id in first)


@pytest.mark.parametrize("count", [1, 40])
def test_calls_that_differ_in_their_arguments_share_all_else(runner, count):
    family = {"parent_id": "p", "root_id": "r", "group_id": "g"}
    batch = [
        new_job(args=f'["\\u001f~",{n}]', kwargs=f'{{"n":{n}}}', priority=4, max_crashes=7, acks_late=False, **family)
        for n in range(count)
    ]
    places = put(runner, *batch)
    assert [place.id for place in sorted(places, key=lambda place: place.seq)] == [job.id for job in batch]
    for number, job in enumerate(batch):
        row = runner.job(job.id)
        assert {name: row[name] for name in family} == family
        assert (row["task"], row["queue"], row["priority"], row["state"]) == ("shop.add", QUEUE, 4, "ready")
        assert (bool(row["acks_late"]), row["max_crashes"], row["run_at"]) == (False, 7, None)
        assert as_value(row["args"]) == ["\x1f~", number]
        assert as_value(row["kwargs"]) == {"n": number}


@pytest.mark.parametrize("odd", [{"delay": 60.0}, {"headers": '{"h":1}'}, {"group_id": "g"}, {"given_id": True}])
@pytest.mark.parametrize("first", [True, False])
def test_one_that_differs_in_more_is_not_made_like_the_others(runner, odd, first):
    batch = [new_job(), new_job()]
    strange = new_job(**odd)
    batch.insert(0 if first else 1, strange)
    put(runner, *batch)
    for job in batch:
        row = runner.job(job.id)
        assert row["state"] == ("scheduled" if job.delay else "ready")
        assert (row["headers"] is not None, row["group_id"]) == (job.headers is not None, job.group_id)


@pytest.mark.parametrize("field", ["id", "queue", "task"])
def test_a_name_may_hold_what_separates_names(runner, field):
    """Whoever makes rows by hand may; the quick statement joins names with it and leaves such jobs to the other."""
    odd = new_job(**{field: f"a\x1fb{new_job().id}"})
    plain = new_job()
    put(runner, odd, plain)
    assert runner.job(odd.id)[field] == getattr(odd, field)
    assert runner.job(plain.id)["task"] == "shop.add"


def test_plain_jobs_of_many_kinds_in_one_batch(runner):
    batch = [
        new_job(task=f"t{n}", queue=f"q{n % 3}", priority=n - 5, args=f'["\\u001f",{n}]', kwargs='{"k":"~"}',
                acks_late=bool(n % 2), max_crashes=n + 1)
        for n in range(9)
    ]  # fmt: skip
    places = put(runner, *batch)
    assert [place.id for place in sorted(places, key=lambda place: place.seq)] == [job.id for job in batch]
    for job in batch:
        row = runner.job(job.id)
        assert (row["task"], row["queue"], row["priority"]) == (job.task, job.queue, job.priority)
        assert (bool(row["acks_late"]), row["max_crashes"]) == (job.acks_late, job.max_crashes)
        assert as_value(row["args"]) == ["\x1f", job.priority + 5]
        assert as_value(row["kwargs"]) == {"k": "~"}


def as_value(found):
    return json.loads(found) if isinstance(found, str) else found


def test_an_empty_batch_is_no_job(runner):
    assert runner.run(enqueue, []) == []
    assert runner.rows("SELECT * FROM sqlqueue_jobs") == []


@pytest.mark.parametrize("given_id", [True, False])
def test_the_same_id_twice_is_one_job(runner, given_id):
    job = new_job(given_id=given_id)
    assert len(put(runner, job)) == 1
    assert put(runner, job) == []
    assert put(runner, new_job(id=job.id, args="[2]", given_id=given_id)) == []
    assert json.dumps(json.loads(take(runner)[0].args)) == "[]"


def test_one_id_twice_in_a_batch_is_one_job(runner):
    job, other = new_job(given_id=True), new_job()
    assert sorted(one.id for one in put(runner, job, job, other)) == sorted([job.id, other.id])
    assert len(runner.rows("SELECT * FROM sqlqueue_jobs")) == 2


def test_a_given_id_is_not_taken_again_while_its_job_runs(runner):
    job = new_job(given_id=True)
    put(runner, job)
    take(runner)
    assert put(runner, job) == []
    assert runner.job(job.id)["state"] == "running"


def test_a_given_id_is_not_taken_again_after_its_job_finished(worker_runner):
    runner = worker_runner
    job, other = new_job(given_id=True), new_job(given_id=True)
    put(runner, job)
    finish(runner, *take(runner))
    assert [one.id for one in put(runner, job, other)] == [other.id]
    assert runner.rows("SELECT id FROM sqlqueue_jobs") == [{"id": other.id}]
    assert runner.result(job.id)["state"] == "succeeded"


def test_any_short_text_may_be_an_id(runner):
    strange = 'order 7 / Ärger\'s "%s" :x'
    put(runner, new_job(id=strange, given_id=True))
    assert put(runner, new_job(id=strange, given_id=True)) == []
    assert take(runner)[0].id == strange


def test_a_countdown_is_counted_by_the_database(runner):
    (placed,) = put(runner, new_job(delay=90.0))
    row = runner.job(placed.id)
    assert (placed.seq, row["seq"], row["state"]) == (None, None, "scheduled")
    assert abs(seconds_ahead(runner, "run_at") - 90.0) < 0.5
    assert take(runner) == []


def test_a_moment_to_come_is_kept_to_the_microsecond(runner):
    moment = (SYSTEM_CLOCK.now() + timedelta(days=3)).replace(microsecond=123456)
    (placed,) = put(runner, new_job(run_at=moment))
    stored = runner.job(placed.id)["run_at"]
    assert (datetime.fromisoformat(stored) if isinstance(stored, str) else stored) == moment
    assert runner.job(placed.id)["state"] == "scheduled"


def test_a_moment_in_the_past_is_due_at_once(runner):
    (placed,) = put(runner, new_job(run_at=datetime(2001, 1, 1, tzinfo=UTC)))
    assert placed.seq is not None
    assert [job.id for job in take(runner)] == [placed.id]


def test_expiry_is_counted_by_the_database(runner):
    put(runner, new_job(expires=40.0))
    assert abs(seconds_ahead(runner, "expires_at") - 40.0) < 0.5


def test_one_batch_may_mix_due_and_scheduled(runner):
    now, later, past = new_job(), new_job(delay=60.0), new_job(run_at=datetime(2001, 1, 1, tzinfo=UTC))
    places = {one.id: one.seq for one in put(runner, now, later, past)}
    assert places[later.id] is None
    assert places[now.id] < places[past.id]

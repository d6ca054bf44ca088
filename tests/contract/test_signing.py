"""Signed jobs: what a sender with the key has sent is run, whatever the database adds to it; nothing else is."""

import json

import pytest
from sqlalchemy import create_engine, text

from sqlqueue import ConfigError, SQLQueue, UntrustedJob, chain, chord, group
from sqlqueue.store.urls import parse_url
from sqlqueue.testing.drain import drain

KEY, NEWER, FOREIGN = "k" * 16, "n" * 32, "f" * 16
PATIENCE = 30


@pytest.fixture
def change_row(database_url):
    def change(id_, column, value):
        engine = create_engine(parse_url(database_url))
        with engine.begin() as connection:
            kind = "json" if engine.dialect.name == "postgresql" and column != "task" else "text"
            changed = text(f"UPDATE sqlqueue_jobs SET {column} = CAST(:value AS {kind}) WHERE id = :id")
            assert connection.execute(changed, {"value": value, "id": id_}).rowcount == 1
        engine.dispose()

    return change


@pytest.fixture
def calls():
    """What `add` was called with, in whichever app."""
    return []


@pytest.fixture
def make(database_url, calls):
    made = []

    def make(*keys, **settings):
        app = SQLQueue("shop", broker=database_url, task_signing_keys=keys, **settings)
        made.append(app)

        @app.task(name="add")
        def add(x, y=0):
            calls.append((x, y))
            return x + y

        @app.task(name="total")
        def total(values, extra=0):
            return sum(values) + extra

        @app.task(name="fail", autoretry_for=(Exception,), max_retries=0)
        def fail():
            raise ValueError("no paper")

        return app

    yield make
    for app in made:
        app.close()


def got(app, result):
    drain(app)
    return result.get(timeout=PATIENCE)


def test_whoever_has_the_key_is_heard(make):
    sender, worker = make(KEY), make(KEY)
    result = sender.tasks["add"].apply_async((1,), {"y": 2.5}, headers={"of": "Ada"}, time_limit=60)
    assert got(worker, result) == 3.5
    many = sender.tasks["add"].send_many([(n, 1) for n in range(3)])
    drain(worker)
    assert [one.get(timeout=PATIENCE) for one in many] == [1, 2, 3]


@pytest.mark.parametrize("keys", [(), (FOREIGN,)])
def test_whoever_has_not_is_refused_and_no_task_is_called(make, calls, keys):
    sender, worker = make(*keys), make(KEY)
    refused = sender.tasks["add"].delay(1, 2)
    with pytest.raises(UntrustedJob, match=r"add\[.*\] has no signature by a key of task_signing_keys"):
        got(worker, refused)
    assert calls == []
    assert got(worker, worker.tasks["add"].delay(1, 2)) == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("task", "total"), ("args", "[1, 3]"), ("args", "[1]"), ("args", "[9, 1, 2]"), ("kwargs", '{"y": 5}'),
        ("options", None), ("options", '{"signature": 7}'), ("options", '{"signature": {"args": 5, "hmac": ""}}'),
    ],
)  # fmt: skip
def test_a_row_that_was_changed_is_refused(make, calls, change_row, column, value):
    app = make(KEY)
    result = app.tasks["add"].delay(1, 2)
    change_row(result.id, column, value)
    if (column, value) == ("args", "[9, 1, 2]"):  # what stands before is said to be an earlier step's
        with pytest.raises(TypeError):
            got(app, result)
    else:
        with pytest.raises(UntrustedJob):
            got(app, result)
    assert calls == []


def test_keys_are_changed_without_a_pause(make):
    old, both, new = make(KEY), make(NEWER, KEY), make(NEWER)
    assert got(both, old.tasks["add"].delay(1)) == 1
    assert got(new, both.tasks["add"].delay(2)) == 2
    with pytest.raises(UntrustedJob):
        got(new, old.tasks["add"].delay(3))


def test_what_earlier_steps_put_before_the_arguments_is_let_pass(make):
    app = make(KEY)
    add, total = app.tasks["add"], app.tasks["total"]
    assert got(app, chain(add.s(1, 2), add.s(3), add.si(0, 4), add.s()).delay()) == 4
    assert got(app, chord([add.s(1, 1), add.s(2, 2)], total.s(extra=4)).delay()) == 10
    assert got(app, (group(add.s(1), add.s(2)) | total.s(3)).delay()) == 6


def test_errbacks_are_signed_with_what_they_are_told(make):
    app = make(KEY)
    seen = []

    @app.task(name="note")
    def note(request, exc, traceback, label):
        seen.append((request.id, str(exc), label))

    failed = app.tasks["fail"].s().on_error(note.s("late")).delay()
    drain(app)
    drain(app)
    assert seen == [(failed.id, "no paper", "late")]


@pytest.mark.parametrize("change", [{"args": (7,)}, {"kwargs": {"left": 7}}, {"args": [], "kwargs": {"left": 7}}, {}])
def test_another_try_is_signed_anew(make, change):
    app = make(NEWER, KEY)

    @app.task(bind=True, name="count_down")
    def count_down(self, left=0):
        if self.request.retries < 1:
            self.retry(countdown=0, time_limit=50, headers={"try": 2}, **change)
        return left, self.request.headers

    args = () if "kwargs" in change else (3,)
    result = count_down.apply_async(args, time_limit=60)
    assert got(app, result) == [7 if change else 3, {"try": 2}]


def test_a_step_that_tries_again_keeps_what_came_before_it(make):
    app = make(KEY)

    @app.task(bind=True, name="slow")
    def slow(self, before, own, more=0):
        if self.request.retries < 1:
            self.retry(countdown=0, kwargs={"more": 5})
        return before + own + more

    assert got(app, chain(app.tasks["add"].s(1, 2), slow.s(10)).delay()) == 18


def test_what_a_job_is_replaced_by_is_signed(make):
    app = make(KEY)

    @app.task(bind=True, name="swap")
    def swap(self, n):
        self.replace(chain(app.tasks["add"].s(n, 1), app.tasks["add"].s(10)))

    assert got(app, swap.delay(1)) == 12


def test_a_call_that_takes_anothers_place_is_signed(make):
    app = make(KEY)
    first = app.tasks["add"].apply_async((1,), unique_key="one")
    second = app.tasks["add"].apply_async((2,), unique_key="one", on_conflict="replace")
    assert second.id == first.id
    assert got(app, second) == 2


def test_an_eager_run_needs_no_signature(make):
    assert make(KEY, task_always_eager=True).tasks["add"].delay(1, 2).get() == 3


def test_keys_that_could_be_guessed_are_refused_and_none_is_shown(make):
    for keys in (["short"], KEY, [b"k" * 16], [7]):
        with pytest.raises(ConfigError, match="no list of keys, texts of 16 characters or more") as refused:
            make().conf.task_signing_keys = keys
        assert KEY not in str(refused.value)
    assert json.dumps(make(KEY).conf.humanize()).find(KEY) == -1

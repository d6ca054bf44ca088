"""self.replace(): a job goes on as something else, under its own id, on both databases."""

import pytest

from sqlqueue import ChordError, chain, chord, group
from sqlqueue.errors import TaskError
from sqlqueue.store.operation import Statement, ask
from sqlqueue.testing.drain import drain
from tests.support.processes import wait_until

PATIENCE = 30


def get(result):
    return result.get(timeout=PATIENCE)


def replacements(s):
    """Return what a job may be replaced with, and what it then ends in when it is given 1."""
    add, total = s.add, s.total
    return {
        "task": (add.s(10), 11),
        "immutable": (add.si(5, 5), 10),
        "chain": (add.s(10) | add.s(100), 111),
        "group": (group(add.s(10), add.s(20)), [11, 21]),
        "chord": (chord([add.s(10), add.s(20)], total.s()), 32),
        "chain that ends in a group": (add.s(1) | group(add.s(10), add.s(20)), [12, 22]),
        "later": (add.s(10).set(countdown=0.1), 11),
        "again": (s.swap.s(sig=add.s(10)), 11),
    }


def test_the_job_ends_in_what_its_replacement_ends_in(running):
    sent = {name: (running.swap.delay(1, sig=sig), wanted) for name, (sig, wanted) in replacements(running).items()}
    assert {name: get(result) for name, (result, _) in sent.items()} == {name: w for name, (_, w) in sent.items()}
    assert running.app.store.read(rows_left) == 0


def rows_left(_):
    rows = yield from ask(
        Statement("SELECT (SELECT count(*) FROM sqlqueue_jobs) + (SELECT count(*) FROM sqlqueue_dependencies)")
    )
    return rows[0][0]


def test_what_waits_for_the_job_waits_for_its_replacement(running):
    swapped = running.swap.s(1, sig=running.add.s(1) | running.add.s(1))
    assert get(chain(swapped, running.add.s(100)).delay()) == 103
    assert get(chord([swapped, running.add.s(5)], running.total.s()).delay()) == 8


def test_a_replacement_that_fails_fails_the_job(running):
    failed = running.swap.s(1, sig=running.fail.s(message="boom") | running.add.s(1)).on_error(running.told.s()).delay()
    with pytest.raises(ValueError, match="boom"):
        get(failed)
    spoilt = running.swap.delay(1, sig=chord([running.add.s(1), running.fail.s()], running.total.s()))
    with pytest.raises(ChordError):
        get(spoilt)


def test_the_errback_of_a_job_runs_when_its_replacement_fails(running):
    failed = running.swap.s(1, sig=running.fail.s(message="boom")).on_error(running.told.s()).delay()
    wait_until("the errback", lambda: running.seen)
    assert running.seen == [failed.id]


def inner_ends(s):
    """Return replacements that fail, each with an errback of its own."""
    fail, add = s.fail, s.add
    return {
        "a task": fail.s().on_error(s.mark.s("inner")),
        "the first of a chain": (fail.s() | add.s(1)).on_error(s.mark.s("inner")),
        "the middle of a chain": (add.si(1) | fail.s() | add.s(1)).on_error(s.mark.s("inner")),
        "the last of a chain": (add.si(1) | fail.s()).on_error(s.mark.s("inner")),
        "before a chord": (fail.s() | chord([add.s(1), add.s(2)], s.total.s())).on_error(s.mark.s("inner")),
        "before a group": (fail.s() | group(add.s(1), add.s(2))).on_error(s.mark.s("inner")),
        "one that is replaced": s.swap.s(sig=fail.s() | add.s(1)).on_error(s.mark.s("inner")),
        "a chain whose last is replaced": (add.si(1) | s.swap.si(sig=fail.s() | add.s(1))).on_error(s.mark.s("inner")),
        "its last is replaced twice": (
            add.si(1) | s.swap.si(sig=add.si(1) | s.swap.si(sig=fail.s() | add.s(1)))
        ).on_error(s.mark.s("inner")),
        "its last becomes a group": (add.si(1) | s.swap.si(sig=fail.si() | group(add.s(1), add.s(2)))).on_error(
            s.mark.s("inner")
        ),
    }


@pytest.mark.parametrize(
    "around",
    [
        lambda s, job: job,
        lambda s, job: chain(s.add.si(1), job, s.add.s(1), s.add.s(2)),
        lambda s, job: chain(s.add.si(1), job),
        lambda s, job: chord([job, s.add.si(1)], s.total.s()),
    ],
    ids=["alone", "in a chain", "the last of a chain", "in a header"],
)
def test_errbacks_of_a_job_and_of_its_replacement_run_once_wherever_it_fails(stage, around):
    for where, sig in inner_ends(stage).items():
        stage.seen.clear()
        result = around(stage, stage.swap.s(sig=sig)).on_error(stage.mark.s("outer")).delay()
        drain(stage.app)
        assert (where, result.state, sorted(stage.seen)) == (where, "FAILURE", ["inner", "outer"])
    assert stage.app.store.read(rows_left) == 0


def test_jobs_of_a_replacement_belong_to_the_family(running):
    result = running.swap.delay(sig=running.ids.si() | running.ids.si())
    last = get(result)
    assert last[:2] == [result.id, result.id]
    (first,) = [one for one in result.children if one.id != result.id]
    assert get(first) == [first.id, result.id, result.id, None]


def test_outside_a_job_there_is_nothing_to_replace(stage):
    with pytest.raises(TaskError, match="outside a job"):
        stage.swap.replace(stage.add.s(1))

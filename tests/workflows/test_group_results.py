"""`GroupResult` and `ResultSet`: many jobs through one handle, in order or as they are done, on both databases."""

import asyncio

import pytest

from sqlqueue import GroupResult, NotCommitted, ResultSet, ResultTimeout, group
from sqlqueue.client import together
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 30


def test_a_group_of_thousands_is_read_in_few_queries(stage, monkeypatch):
    width, asked = 2500, []
    result = group(stage.add.s(n) for n in range(width)).delay()
    look_at = together.look_at

    def counted(*given):
        asked.append(1)
        return look_at(*given)

    monkeypatch.setattr(together, "look_at", counted)
    with working(stage.app):
        assert result.get(timeout=60) == list(range(width))
    assert len(asked) < 50


def test_what_is_known_of_a_group(stage):
    result = group(stage.add.s(1), stage.fail.s(), stage.add.s(2)).delay()
    assert (result.ready(), result.waiting(), result.completed_count()) == (False, True, 0)
    with working(stage.app):
        wait_until("the end", result.ready)
    assert (result.successful(), result.failed(), result.completed_count()) == (False, True, 2)
    assert len(result) == 3
    assert [one.id for one in result] == [one.id for one in result.children] == [one.id for one in result.results]
    with pytest.raises(ValueError, match="no"):
        result.get(timeout=PATIENCE)
    first, error, last = result.get(timeout=PATIENCE, propagate=False)
    assert (first, repr(error), last) == (1, "ValueError('no')", 2)


def test_a_group_that_is_not_over_in_time(stage):
    result = group(stage.add.s(1), stage.add.s(2)).delay()
    late = "2 jobs were not over within 0.05 s; they go on"
    with pytest.raises(ResultTimeout, match=late):
        result.get(timeout=0.05)
    with pytest.raises(ResultTimeout, match=late):
        result.get(timeout=0.05, callback=print)
    with pytest.raises(ResultTimeout, match=late):
        list(result.iterate(timeout=0.05))
    with pytest.raises(ResultTimeout, match=late):
        asyncio.run(result.aget(0.05))


@pytest.mark.parametrize("many", [False, True])
def test_a_time_out_that_is_no_number_is_said_to_be_none(stage, many):
    result = group(stage.add.s(1)).delay() if many else stage.add.delay(1)
    with pytest.raises(TypeError, match="timeout is 'x': use seconds"):
        result.get(timeout="x")


def test_what_is_taken_out_must_be_in(stage):
    first, other = stage.add.delay(1), stage.add.delay(2)
    some = ResultSet([first])
    with pytest.raises(KeyError):
        some.remove(other)
    some.remove(first)
    assert len(some) == 0


def test_celerys_word_for_jobs_that_are_not_over(running):
    last = (running.add.s(1, 1) | running.add.s(1)).delay()
    assert last.get(timeout=PATIENCE) == 3
    first = last.parent
    assert [one.id for _, one in first.iterdeps(intermediate=True)] == [first.id, last.id]
    assert [value for _, value in first.collect(PATIENCE, intermediate=True)] == [2, 3]


def test_results_come_in_the_order_in_which_jobs_are_done(running):
    result = group(running.wait_for_gate.s(n) for n in range(3)).delay()
    walk = result.iterate(timeout=PATIENCE)
    for n in (2, 0, 1):
        running.gates[n].set()
        assert next(walk) == n
    assert list(walk) == []


def test_a_callback_is_given_ids_and_values_in_order(running):
    result = group(running.add.s(n) for n in range(3)).delay()
    told = []
    assert result.join(timeout=PATIENCE, callback=lambda id_, value: told.append((id_, value))) == []
    assert told == [(one.id, n) for n, one in enumerate(result)]


def test_coroutines_wait_for_groups_too(running):
    async def scenario():
        sig = group(running.add.s(n) for n in range(3))
        result = await sig.adelay()
        assert await result.aget(timeout=PATIENCE) == [0, 1, 2]
        return {value async for _, value in await sig.aapply_async()}

    assert asyncio.run(scenario()) == {0, 1, 2}


def test_a_group_is_saved_and_restored(running):
    result = group(running.add.s(1), running.add.s(2) | group(running.add.s(3), running.add.s(4))).delay()
    assert running.app.GroupResult(result.id) is None
    result.save()
    again = running.app.GroupResult(result.id)
    assert isinstance(again, GroupResult)
    assert (again, again.as_tuple()[1]) == (result, [one.as_tuple() for one in again])
    assert again.get(timeout=PATIENCE) == result.get(timeout=PATIENCE) == [1, [5, 6]]
    again.save()
    again.delete()
    assert running.app.GroupResult(result.id) is None


def test_a_set_of_results_may_be_changed(running):
    one, two = running.add.delay(1), running.add.delay(2)
    found = running.app.ResultSet([one])
    found.add(two)
    found.add(two)
    assert isinstance(found, ResultSet)
    assert found.get(timeout=PATIENCE) == [1, 2]
    found.discard(one)
    found.discard(one)
    found.remove(two)
    found.update([two, one])
    assert found.get(timeout=PATIENCE) == [2, 1]


def test_a_workflow_joins_the_callers_transaction(stage):
    from sqlalchemy import create_engine

    from sqlqueue.store.ops.results import look_up

    engine = create_engine(stage.app.broker)
    sig = stage.add.s(1, 1) | group(stage.add.s(1), stage.add.s(2)) | stage.total.s()
    with engine.connect() as connection:
        regretted = sig.apply_async(connection=connection)
        with pytest.raises(NotCommitted):
            regretted.get(timeout=PATIENCE)
        connection.rollback()
        with stage.app.using(connection):
            kept = sig.delay()
        connection.commit()
    with working(stage.app):
        assert kept.get(timeout=PATIENCE) == 7
    assert stage.app.store.read(look_up, regretted.id) is None
    engine.dispose()

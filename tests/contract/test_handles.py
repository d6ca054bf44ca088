"""`AsyncResult` and its kin: what a handle says of its job, what it calls, and when it refuses to wait."""

from __future__ import annotations

import copy
import pickle
import threading
from datetime import UTC, timedelta
from io import StringIO

import pytest

from sqlqueue import GroupResult, ResultSet, SQLQueue, TaskRevoked, WaitingInTask, allow_join_result, group
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.errors import TaskError
from sqlqueue.testing.drain import drain
from tests.support.inprocess import working

PATIENCE = 30


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


@pytest.fixture
def add(app):
    return app.task(name="add", queue="sums")(lambda x, y=0: x + y)


@pytest.fixture
def fail(app):
    def fail():
        raise ValueError("no")

    return app.task(name="fail", queue="sums")(fail)


def test_a_handle_tells_of_its_job_before_and_after_it_runs(app, add):
    result = add.delay((1, 2), y=(3,))
    for over in (False, True):
        again = app.AsyncResult(result.id)
        assert again.exists()
        assert (again.name, again.queue, again.args, again.kwargs) == ("add", "sums", [[1, 2]], {"y": [3]})
        assert (again.date_done is not None, again.ready(), again.ignored) == (over, over, False)
        drain(app, ["sums"])
    assert again.date_done.tzinfo is UTC
    assert abs(SYSTEM_CLOCK.now() - again.date_done) < timedelta(minutes=1)


def test_nobody_knows_it(app):
    unknown = app.AsyncResult("no such job")
    assert (unknown.exists(), unknown.state, unknown.name, unknown.queue) == (False, "PENDING", None, None)
    assert (unknown.args, unknown.kwargs, unknown.worker, unknown.children) == (None, None, None, [])
    assert unknown.maybe_throw() is None


def test_the_worker_that_has_run_it(app, add):
    with working(app, "sums") as worker:
        result = add.delay(1)
        result.get(timeout=PATIENCE)
        assert result.worker == worker.name


def test_an_ignored_result(app, add):
    result = add.apply_async((1,), ignore_result=True)
    drain(app, ["sums"])
    assert (result.ignored, result.get(timeout=PATIENCE), result.successful()) == (True, None, True)


def test_calls_back_when_it_is_over(app, add, fail):
    heard, told = [], threading.Semaphore(0)

    def hear(word):
        def note(result):
            heard.append((word, result.state))
            told.release()

        return note

    add.delay(1).then(hear("good"), hear("bad"))
    fail.delay().then(hear("good"), hear("bad"))
    fail.delay().then(hear("whatever"))
    group(add.s(1), add.s(2)).delay().then(lambda all_of_it: hear(all_of_it.get(timeout=0))(all_of_it.results[0]))
    group(add.s(1), fail.s()).delay().then(hear("good"), lambda all_of_it: hear("bad group")(all_of_it.results[1]))
    assert heard == []
    drain(app, ["sums"])
    for _ in range(5):
        assert told.acquire(timeout=PATIENCE)
    assert sorted(heard, key=repr) == sorted(
        [("good", "SUCCESS"), ("bad", "FAILURE"), ("whatever", "FAILURE"), ([1, 2], "SUCCESS"),
         ("bad group", "FAILURE")], key=repr,
    )  # fmt: skip


def test_a_callback_that_fails_takes_no_other_with_it(app, add, caplog):
    result, told = add.delay(1), threading.Event()
    drain(app, ["sums"])
    result.then(lambda _: 1 / 0)
    result.then(lambda _: told.set())
    assert told.wait(PATIENCE)
    assert f"a callback of job {result.id} failed" in caplog.text


def test_get_calls_back(app, add):
    result, seen, beats = add.delay(1), [], []

    def beat():
        beats.append(1)
        drain(app, ["sums"])

    assert result.get(timeout=PATIENCE, callback=lambda *said: seen.append(said), on_interval=beat, interval=0.01) == 1
    assert seen == [(result.id, 1)]
    assert beats


def test_what_it_raised_is_raised_again(app, fail, add):
    bad, good = fail.delay(), add.delay(1)
    assert bad.maybe_throw() is None
    drain(app, ["sums"])
    with pytest.raises(ValueError, match="no"):
        bad.maybe_throw()
    assert isinstance(bad.maybe_reraise(propagate=False), ValueError)
    assert good.maybe_throw() == good.info == 1
    with pytest.raises(ValueError, match="no"):
        app.ResultSet([good, bad]).maybe_throw()


def test_handles_as_tuples(app, add):
    last = (add.s(1) | add.s(2)).delay()
    assert last.as_tuple() == ((last.id, ((last.parent.id, None), None)), None)
    assert last.as_list() == [last.id, last.parent.id]
    again = app.result_from_tuple(last.as_tuple())
    assert (again, again.parent) == (last, last.parent)
    several = group(add.s(1), add.s(2)).delay()
    assert app.result_from_tuple(several.as_tuple()) == several
    assert app.result_from_tuple(last.id) == last


def test_a_family(app, add):
    @app.task(name="parent", queue="sums")
    def parent():
        add.delay(1)
        add.delay(2)
        return "sent"

    result = parent.delay()
    drain(app, ["sums"])
    first, second = result.children
    assert [(one and one.id, other.id) for one, other in result.iterdeps()] == [
        (None, result.id), (result.id, first.id), (result.id, second.id),
    ]  # fmt: skip
    assert [value for _, value in result.collect(timeout=PATIENCE)] == ["sent", 1, 2]
    assert result.get_leaf() == 2
    assert result.graph == {result: [first, second], first: [], second: []}
    result.graph.to_dot(written := StringIO())
    ids = [f'"{one.id}"' for one in (result, first, second)]
    lines = [ids[0], f"{ids[0]} -> {ids[1]}", f"{ids[0]} -> {ids[2]}", ids[1], ids[2]]
    assert written.getvalue() == "digraph jobs {\n" + "".join(f"    {line};\n" for line in lines) + "}\n"
    add.apply((1,), task_id='a "\\"').graph.to_dot(written := StringIO())
    assert written.getvalue() == 'digraph jobs {\n    "a \\"\\\\\\"";\n}\n'


@pytest.mark.parametrize("how", ["get", "group", "wait", "a leaf"])
def test_a_task_may_not_wait_for_another(app, add, how):
    @app.task(queue="sums")
    def waits():
        one = add.delay(1)
        if how == "group":
            return app.ResultSet([one]).get(timeout=0)
        return one.get_leaf() if how == "a leaf" else getattr(one, how)(timeout=0)

    result = waits.delay()
    drain(app, ["sums"])
    with pytest.raises(WaitingInTask, match="chain or a chord"):
        result.get(timeout=PATIENCE)
    assert issubclass(WaitingInTask, RuntimeError)


def test_unless_it_is_allowed_to(app, add):
    over = add.delay(1)
    drain(app, ["sums"])

    @app.task(queue="sums")
    def waits():
        with allow_join_result():
            first = app.AsyncResult(over.id).get(timeout=PATIENCE)
        rest = app.ResultSet([app.AsyncResult(over.id)]).get(timeout=PATIENCE, disable_sync_subtasks=False)
        return [first, rest, app.AsyncResult(over.id).get(timeout=PATIENCE, disable_sync_subtasks=False)]

    result = waits.delay()
    drain(app, ["sums"])
    assert result.get(timeout=PATIENCE) == [1, [1], 1]


def test_a_set_of_many(app, add):
    several = app.ResultSet([add.delay(n) for n in range(3)])
    several.revoke()
    assert several.ready()
    with pytest.raises(TaskRevoked):
        several.get(timeout=PATIENCE)
    done = app.ResultSet([add.delay(n) for n in range(3)])
    drain(app, ["sums"])
    assert {id_: (said["status"], said["result"]) for id_, said in done.iter_native(timeout=PATIENCE)} == {
        one.id: ("SUCCESS", n) for n, one in enumerate(done.results)
    }
    assert done.join_native(timeout=PATIENCE) == [0, 1, 2]
    done.forget()
    assert [app.AsyncResult(one.id).exists() for one in done] == [False] * 3
    done.clear()
    assert done.results == []


def test_an_eager_result_answers_the_same(app, add, fail):
    good, bad = add.apply((1,), {"y": 2}), fail.apply()
    assert (good.state, good.status, good.result, good.info, good.get(), good.wait()) == ("SUCCESS",) * 2 + (3,) * 4
    assert (good.name, good.queue, good.args, good.kwargs) == ("add", "sums", [1], {"y": 2})
    assert (good.exists(), good.ready(), good.ignored, good.children, good.parent) == (True, True, False, [], None)
    assert (good.as_tuple(), good.as_list(), good.graph) == (((good.id, None), None), [good.id], {good: []})
    assert (list(good.collect()), good.get_leaf()) == ([(good, 3)], 3)
    assert good.date_done.tzinfo is UTC
    heard = []
    good.then(lambda one: heard.append(one.result))
    bad.then(heard.append, lambda one: heard.append(str(one.result)))
    assert heard == [3, "no"]
    with pytest.raises(ValueError, match="no"):
        bad.maybe_throw()
    assert (bad.failed(), isinstance(bad.get(propagate=False), ValueError)) == (True, True)
    good.forget()
    good.revoke()


@pytest.mark.parametrize("how", ["get", "wait", "join", "eager"])
def test_an_option_of_waiting_that_is_spelt_wrong_is_an_error(app, add, how):
    """Taken in silence, it would let the caller wait for ever."""
    handle = {"join": app.ResultSet([add.delay(1)]), "eager": add.apply((1,))}.get(how, add.delay(1))
    with pytest.raises(TypeError, match="takes no tiemout: did you mean 'timeout'"):
        getattr(handle, {"eager": "get"}.get(how, how))(tiemout=0)
    with pytest.raises(TypeError, match="takes no x: use timeout, propagate, callback"):
        handle.get(x=1)


def test_a_set_needs_no_app_where_it_has_members(app, add):
    results = [add.delay(1), add.delay(2)]
    drain(app, ["sums"])
    assert ResultSet(results).get(timeout=PATIENCE) == GroupResult("g", results).get(timeout=PATIENCE) == [1, 2]
    late = ResultSet()
    late.add(results[0])
    assert (late.ready(), late.get(timeout=PATIENCE)) == (True, [1])


def test_an_empty_set(app):
    for empty in (ResultSet(), ResultSet([], app=app), app.ResultSet()):
        assert (empty.get(timeout=0), list(empty.iterate()), empty.ready(), empty.completed_count()) == (
            [],
            [],
            True,
            0,
        )
        assert (empty.failed(), empty.successful(), empty.waiting()) == (False, True, False)
        empty.forget()
        empty.revoke()
    with pytest.raises(TaskError, match=r"this GroupResult belongs to no app.*GroupResult\(\.\.\., app=app\)"):
        GroupResult("g").save()


def test_groups_of_an_app(app, add):
    results = [add.delay(1)]
    app.GroupResult("g", results).save()
    for found in (app.GroupResult("g"), app.GroupResult.restore("g"), GroupResult.restore("g", app=app)):
        assert found is not None
        assert (found.id, found.results) == ("g", results)
    with pytest.raises(TaskError, match=r"use app\.GroupResult\.restore"):
        GroupResult.restore("g")


def test_a_handle_is_copied_and_not_pickled(app, add):
    result = add.delay(1)
    several = app.ResultSet([result])
    held = copy.deepcopy({"one": result, "several": several})
    assert held == {"one": result, "several": held["several"]}
    copy.copy(several).clear()
    held["several"].clear()
    assert len(several) == 1, "its list is its own"
    for handle in (result, several, app.GroupResult("g", [result])):
        with pytest.raises(TypeError, match=r"belongs to an app and is not pickled: keep its id, or as_tuple\(\)"):
            pickle.dumps(handle)
    eager = add.apply((1,))
    assert pickle.loads(pickle.dumps(eager)).get() == 1

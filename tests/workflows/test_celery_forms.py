"""What Celery's users write, and what it means there: errbacks, replacements, groups of one; on both databases."""

import asyncio

import pytest

from sqlqueue import ChordError, NotRegistered, chain, chord, group, signature
from sqlqueue.errors import TaskError
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 30


def get(result):
    return result.get(timeout=PATIENCE)


def test_an_immutable_errback_is_given_nothing(running):
    running.fail.s().on_error(running.note.si("own")).delay()
    wait_until("the errback", lambda: running.seen)
    assert running.seen == [("own",)]


def test_an_errback_with_arguments_of_its_own_is_given_the_id_before_them(running):
    @running.app.task(name="labelled")
    def labelled(job_id, label):
        running.seen.append((job_id, label))

    with working(running.app, "more"):
        failed = running.fail.s().on_error(labelled.s("by place").set(queue="more"))
        failed = failed.on_error(labelled.s(label="by name").set(queue="more")).delay()
        wait_until("the errbacks", lambda: len(running.seen) == 2)
    assert sorted(running.seen) == [(failed.id, "by name"), (failed.id, "by place")]


def test_an_errback_of_a_chord_whose_body_is_a_group_runs_for_each_of_its_members(running):
    body = group(running.total.s(), running.total.s())
    chord([running.add.s(1), running.fail.s()], body).apply_async(link_error=running.note.si("failed"))
    wait_until("both errbacks", lambda: len(running.seen) == 2)
    assert running.seen == [("failed",), ("failed",)]


def test_what_is_linked_to_a_group_in_a_chain_runs_once(running):
    body = group(running.add.s(1), running.add.s(2)).set(link=running.note.si("linked"))
    assert get(chain(running.add.s(1), body).delay()) == [2, 3]
    wait_until("the link", lambda: running.seen)
    assert running.seen == [("linked",)]


def test_a_job_that_is_replaced_with_a_group_of_one_ends_in_a_list(running):
    assert get(running.swap.delay(1, sig=group([running.add.s(10)]))) == [11]


def test_a_replacement_keeps_the_stamps_of_the_job_and_its_own(running):
    sig = running.swap.s(sig=running.stamps.s().stamp(own=1)).stamp(customer="Ada")
    assert get(sig.apply_async((0,))) == [["customer", "own"], {"customer": "Ada", "own": 1}]


def test_a_chain_may_consist_of_one_group(running):
    assert get(chain(group(running.add.s(1), running.add.s(2))).delay()) == [1, 2]


def test_a_group_of_one_group_is_that_group(running):
    assert get(group(running.add.s(1) | group(running.add.s(1), running.add.s(2))).delay()) == [2, 3]


def test_a_task_stands_for_its_signature(running):
    assert get(chain(running.add.s(1, 2), running.identity).delay()) == 3


def test_a_handle_equals_its_id_and_may_be_returned_by_a_task(running):
    @running.app.task(name="spawn")
    def spawn():
        return (running.add.s(1) | group(running.add.s(1), running.add.s(2))).delay()

    with working(running.app, "more"):
        (own, before), members = get(spawn.apply_async(queue="more"))
    handle = running.app.AsyncResult(members[0][0][0])
    assert handle == members[0][0][0]
    assert get(handle) == 2
    assert isinstance(own, str)
    assert before[1] is None


def test_a_call_by_name_takes_what_the_task_says_about_its_calls(stage):
    stage.app.task(name="quiet", queue="calm", priority=7)(lambda: None)
    sent = stage.app.send_task("quiet")
    job = stage.app.jobs.show(sent.id).job
    assert (job.queue, job.priority) == ("calm", 7)


def test_a_workflow_is_rehearsed_here_and_now(stage):
    add, total = stage.add, stage.total
    sig = chain(add.s(1), group(add.s(1), add.s(2)), total.s(), stage.add.s(10))
    assert sig.apply().get() == 15
    assert group(add.s(1), add.s(2)).apply().get() == [1, 2]
    failed = chord([add.s(1), stage.fail.s(message="no")], total.s()).on_error(stage.note.si("errback")).apply()
    assert "raised ValueError" in str(failed.get(propagate=False))
    assert stage.seen == [("errback",)]
    assert stage.app.queues.counts() == []


def test_a_signature_that_is_called_calls_its_task_here_and_now(stage):
    add, app = stage.add, stage.app
    assert add.s(2, 2)() == 4
    assert add.s(2)(1) == 3
    assert add.s(1, y=2)(y=5) == 6
    assert add.si(1, 2)(5) == 3
    assert stage.identity.s(2)() == 2
    assert app.signature("add", (2,))(1) == 3
    assert add.map([1, 2])() == [1, 2]
    with pytest.raises(NotRegistered, match="no task is named 'ad'; did you mean 'add'"):
        app.signature("ad")()
    with pytest.raises(ValueError, match="boom"):
        stage.fail.s(message="boom")()
    with pytest.raises(TaskError, match="belongs to no app"):
        signature("add", (1, 2))()
    assert app.queues.counts() == []
    app.conf.task_always_eager = True
    assert add.s(2, 2)() == 4


def test_a_group_of_nothing_is_over_and_needs_no_app():
    for sig in (group(), group([]), chain(group(), group()), chain(group()), group(chain(group()))):
        for result in (sig.delay(), sig(), sig.apply(), asyncio.run(sig.adelay())):
            assert (result.ready(), result.successful(), result.failed(), len(result)) == (True, True, False, 0)
            assert (result.get(), list(result.iterate()), asyncio.run(result.aget())) == ([], [], [])
        heard: list[object] = []
        result = sig.delay().then(heard.append)
        result.revoke()
        assert heard == [result]
    assert chain().delay() is None
    with pytest.raises(TaskError, match=r"group\(\) belongs to no app: make it with group\(\.\.\., app=app\)"):
        group().freeze()


@pytest.mark.parametrize("kind", [group, chain])
def test_members_are_given_by_place(kind):
    with pytest.raises(TaskError, match=rf"{kind.__name__}\(tasks=\.\.\.\): give them by place"):
        kind(tasks=[])


def test_a_group_of_nothing_with_an_app(stage):
    assert group([], app=stage.app).delay().get() == []
    assert chain(group(), group(), app=stage.app).delay().get() == []
    assert stage.app.queues.counts() == []


@pytest.mark.parametrize("wrong", [lambda x: x, "tasks.add", 5, {"no": "task"}])
def test_what_is_linked_must_be_a_signature(stage, wrong):
    add = stage.add
    for name, send in {
        "link": lambda: add.apply_async((1, 1), link=wrong),
        "link_error": lambda: add.apply_async((1, 1), link_error=[wrong]),
        "a chord's body": lambda: chord([add.s(1, 1)], wrong),
    }.items():
        with pytest.raises(TaskError, match=rf"{name}: .* is no signature: use task\.s\(\.\.\.\)"):
            send()
    for sig in (group(add.s(1)), add.s(1) | add.s(1), chord([add.s(1)], add.s()), add.s(1)):
        for name in ("link", "link_error"):
            with pytest.raises(TaskError, match=f"{name}: .* is no signature"):
                getattr(sig.clone(), name)(wrong)
            with pytest.raises(TaskError, match=f"{name}: .* is no signature"):
                sig.clone().set(**{name: wrong}).delay()
    assert stage.app.queues.counts() == []


def test_a_signature_written_by_hand_need_only_name_its_task(running):
    app = running.app
    assert get(app.signature({"task": "add", "args": [1, 2]}).delay()) == 3
    assert get(app.signature({"task": "add"}).delay(1, 2)) == 3
    members = [{"task": "add", "args": [1, 2]}, {"task": "add", "kwargs": {"x": 5}}]
    assert get(app.signature({"task": "group", "subtask_type": "group", "kwargs": {"tasks": members}}).delay()) == [
        3,
        5,
    ]
    assert get(running.swap.delay(sig={"task": "add", "args": [4, 4]})) == 8
    running.add.apply_async((1, 1), link={"task": "note"})
    wait_until("the link", lambda: running.seen)
    assert running.seen == [(2,)]
    with pytest.raises(TaskError, match="is no signature"):
        app.signature({"args": [1]})


def test_a_task_stands_for_its_signature_wherever_one_is_meant(running):
    assert get(chord([running.add.s(1), running.add.s(2)], running.total).delay()) == 3
    assert get(chord([running.add.s(1), running.add.s(2)])(running.total)) == 3
    assert get((running.add.s(1, 2) | running.identity).delay()) == 3


def test_a_workflow_that_is_called_is_sent(running):
    add, total = running.add, running.total
    assert get((add.s(1) | add.s(1))(1)) == 3
    assert get(group(add.s(1), add.s(2))(10)) == [11, 12]
    assert get(chord([add.s(1), add.s(2)])(total.s())) == 3
    assert get(add.chunks([(1, 1), (2, 2)], 1)()) == [[2], [4]]
    with working(running.app, "more"):
        assert [one.queue for one in group(add.s(1), add.s(2))(10, queue="more")] == ["more", "more"]


def test_eager_workflows_are_run_by_the_call(stage):
    stage.app.conf.task_always_eager = True
    assert (stage.add.s(1, 2) | stage.add.s(10)).delay().get() == 13
    assert signature("add", (1, 2), app=stage.app).delay().get() == 3
    assert stage.app.queues.counts() == []


def test_each_member_is_written_down_once(stage):
    s = stage
    sig = chain(s.add.s(1), group(s.add.s(1), s.add.s(2)), group(s.total.s(), s.total.s()), s.total.s())
    ids = []

    def walk(node):
        if node is not None:
            (own, before), members = node
            ids.append(own)
            for one in members or ():
                walk(one)
            walk(before)

    walk(sig.apply_async().as_tuple())
    assert len(ids) == len(set(ids))


def test_values_reach_a_callback_until_the_time_is_over(running):
    import pytest

    from sqlqueue import ResultTimeout

    done, held = running.add.delay(1, 1), running.wait_for_gate.delay(0)
    get(done)
    seen = []
    with pytest.raises(ResultTimeout):
        running.app.ResultSet([done, held]).join(timeout=0.2, callback=lambda id_, value: seen.append((id_, value)))
    running.gates[0].set()
    assert seen == [(done.id, 2)]


def test_maps_and_chunks_in_a_chain_are_not_given_the_result_before_them(running):
    pairs = [(1, 1), (2, 2)]
    assert get(chain(running.add.s(1), running.add.starmap(pairs)).delay()) == [2, 4]
    assert get(chain(running.add.s(1), running.identity.map([1, 2])).delay()) == [1, 2]
    assert get(chain(running.add.s(1), running.add.chunks(pairs, 1).group()).delay()) == [[2], [4]]


def test_the_header_of_a_chord_is_a_copy(stage):
    member = stage.fail.si()
    sig = chord([member], stage.total.s())
    sig.tasks[0].link_error(stage.note.si("failed"))
    assert member == stage.fail.si()


def test_an_errback_of_a_chain_runs_once_when_a_member_of_a_group_in_it_fails(running):
    sig = chain(running.add.s(1, 1), group(running.fail.s(), running.add.s(1)), running.total.s())
    last = sig.on_error(running.note.si("failed")).delay()
    assert isinstance(last.get(timeout=PATIENCE, propagate=False), ChordError)
    assert get(running.add.delay(1, 1)) == 2
    wait_until("the errback", lambda: running.seen)
    assert running.seen == [("failed",)]


def test_an_errback_of_a_chain_does_not_run_again_for_the_body_of_a_chord_that_was_never_reached(running):
    fail, note, add, total = running.fail, running.note, running.add, running.total
    fan = group(add.s(1), add.s(2))
    for name, sig in {
        "group": chain(fail.si(), fan, total.s()),
        "chord": chain(fail.si(), chord([add.s(1), chain(add.s(1), add.s(2))], total.s()), add.s(1)),
        "two groups": chain(fail.si(), fan, group(add.s(), add.s()), total.s()),
    }.items():
        result = sig.on_error(note.si(name)).delay()
        with pytest.raises(ChordError):
            get(result)
    assert get(add.delay(1, 1)) == 2
    wait_until("all errbacks", lambda: len(running.seen) >= 3)
    assert sorted(running.seen) == [("chord",), ("group",), ("two groups",)]


def test_the_errback_of_a_body_runs_when_a_chain_in_its_header_fails_anywhere(running):
    member = chain(running.fail.si(), running.add.s(1), group(running.add.s(1), running.add.s(2)), running.total.s())
    for place in (chord([member], running.total.s()), chain(running.add.si(1), chord([member], running.total.s()))):
        place.link_error(running.note.si("failed"))
        with pytest.raises(ChordError):
            get(place.delay())
    wait_until("both errbacks", lambda: len(running.seen) == 2)

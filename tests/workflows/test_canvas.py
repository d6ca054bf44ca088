"""Chains, groups and chords through a worker: what Celery's users know, on both databases."""

import pytest

from sqlqueue import ChordError, GroupResult, TaskRevoked, chain, chord, group
from tests.support.processes import wait_until

PATIENCE = 30


def get(result):
    return result.get(timeout=PATIENCE)


def shapes(s):
    """Return workflows of every shape with what they end in."""
    add, total, identity = s.add, s.total, s.identity
    return {
        "chain": (add.s(1, 1) | add.s(2) | add.s(3), 7),
        "immutable": (add.s(1, 1) | add.si(5, 5), 10),
        "group": (group(add.s(n, n) for n in range(4)), [0, 2, 4, 6]),
        "chord": (chord([add.s(n, n) for n in range(4)], total.s()), 12),
        "chord of one": (chord([add.s(2, 5)], total.s(1)), 8),
        "upgrade": (group(add.s(1), add.s(2)) | total.s(), 3),
        "fan": (add.s(1, 1) | group(add.s(10), add.s(20)), [12, 22]),
        "diamond": (add.s(1, 1) | group(add.s(10), add.s(20)) | total.s() | add.s(1), 35),
        "groups in a row": (group(add.s(1), add.s(2)) | group(total.s(), total.s(10)) | total.s(), 16),
        "nested groups": (group(add.s(1), group(add.s(2), group(add.s(3)))), [1, 2, 3]),
        "chain in group": (group(add.s(1) | add.s(1), add.s(5)), [2, 5]),
        "group ends a header's chain": (chord([add.s(4) | group(identity.s(), add.s(1))], identity.s()), [[4, 5]]),
        "chord in group": (group(chord([add.s(1), add.s(2)], total.s()), add.s(4)), [3, 4]),
        "chord in header": (chord([chord([add.s(1), add.s(2)], total.s()), add.s(4)], total.s()), 7),
        "chord after chord": (chord([add.s(1)], total.s()) | chord([add.s(1), add.s(2)], total.s()), 5),
        "chord then group": (chord([add.s(1), add.s(2)], total.s()) | group(add.s(1), add.s(2)), [4, 5]),
        "body is a chain": (chord([add.s(1), add.s(2)], total.s() | add.s(10)), 13),
        "body is a group": (chord([add.s(1), add.s(2)], group(total.s(), identity.s())), [3, [1, 2]]),
        "immutable group": (add.s(1, 1) | group(add.s(5, 5), add.s(6, 6)).set(immutable=True) | total.s(), 22),
        "immutable group of one": (add.s(1, 1) | group(add.s(5, 5)).set(immutable=True), 10),
        "immutable group in a group": (add.s(1, 1) | group(add.s(5), group(add.s(6, 6)).set(immutable=True)), [7, 12]),
        "immutable chain": (chain(add.s(1, 1), chain(add.s(2, 2), add.s(3)).set(immutable=True)), 7),
        "immutable chord": (add.s(1, 1) | chord([add.s(5, 5), add.s(6)], total.s(1)).set(immutable=True), 17),
        "empty header": (chord([], total.s(4)), 4),
        "empty group in a chain": (chain(add.s(1, 1), group(), add.s(1)), 3),
        "group of one in a chain": (chain(add.s(1, 1), group(add.s(1)), add.s(1)), 4),
        "map": (add.map([1, 2, 3]), [1, 2, 3]),
        "starmap": (add.starmap([(1, 1), (2, 2)]), [2, 4]),
        "chunks": (add.chunks(zip(range(5), range(5), strict=True), 2), [[0, 2], [4, 6], [8]]),
        "after chunks": (add.chunks([(1, 1), (2, 2)], 1).group() | identity.s(), [[2], [4]]),
    }  # fmt: skip


def test_every_shape_ends_in_its_value(running):
    sent = {name: (sig.apply_async(), wanted) for name, (sig, wanted) in shapes(running).items()}
    assert {name: get(result) for name, (result, _) in sent.items()} == {name: w for name, (_, w) in sent.items()}
    assert running.app.store.read(left_over) == 0


def left_over(dialect):
    from sqlqueue.store.operation import Statement, ask

    statement = Statement("SELECT (SELECT count(*) FROM sqlqueue_dependencies) + (SELECT count(*) FROM sqlqueue_jobs)")
    rows = yield from ask(statement)
    return rows[0][0]


def test_a_call_gives_arguments_to_the_first_jobs(running):
    assert get((running.add.s() | running.add.s(10)).delay(1, 2)) == 13
    assert get(group(running.add.s(1), running.add.s(2)).apply_async((10,))) == [11, 12]
    assert get(chord([running.add.s(1), running.add.s(2)])(running.total.s())) == 3


def test_what_is_read_from_json_runs_as_what_was_written(running):
    import json

    sig = running.add.s(1, 1) | group(running.add.s(2), running.add.s(3)) | running.total.s()
    read = running.app.signature(json.loads(json.dumps(sig)))
    assert read == sig or repr(read) == repr(sig)
    assert get(read.delay()) == 9


def test_a_step_that_fails_ends_its_chain_with_its_error(running):
    result = (running.fail.s(message="boom") | running.add.s(1) | running.add.s(2)).delay()
    with pytest.raises(ValueError, match="boom"):
        get(result)
    assert result.state == "FAILURE"
    assert (result.parent.state, result.parent.parent.state) == ("FAILURE", "FAILURE")


def test_a_member_that_fails_ends_its_chord(running):
    members = [running.add.s(1), running.fail.s(message="boom"), running.note.s("ran")]
    result = chord(members, running.total.s()).delay()
    with pytest.raises(ChordError, match=r"Dependency .* raised ValueError\('boom'\)"):
        get(result)
    wait_until("the others to run all the same", lambda: running.seen == [("ran",)])


def test_links_run_with_the_result_and_errbacks_with_the_id(running):
    running.add.apply_async((2, 2), link=running.note.s("link"), link_error=running.told.s())
    wait_until("the link", lambda: running.seen == [(4, "link")])
    failed = running.fail.s().on_error(running.told.s()).delay()
    wait_until("the errback", lambda: running.seen[1:])
    assert running.seen == [(4, "link"), failed.id]


def test_an_errback_of_three_arguments_is_given_request_error_and_traceback(running):
    failed = running.fail.s(1, message="boom").on_error(running.told_all.s()).delay()
    wait_until("the errback", lambda: running.seen)
    assert running.seen == [(failed.id, "fail", [1], "ValueError('boom')", True)]


def test_an_errback_of_a_chain_runs_once(running):
    sig = running.add.s(1, 1) | running.fail.si(message="boom") | running.add.s(1)
    sig.link_error(running.told.s())
    result = sig.delay()
    with pytest.raises(ValueError, match="boom"):
        get(result)
    wait_until("the errback", lambda: running.seen)
    assert running.seen == [result.parent.id]


def test_an_errback_of_a_chord_runs_when_a_member_fails(running):
    sig = chord([running.add.s(1), running.fail.s()], running.total.s())
    sig.link_error(running.told.s())
    result = sig.delay()
    wait_until("the errback", lambda: running.seen)
    assert running.seen == [result.id]


def test_a_value_is_handed_on_though_its_task_ignores_results(running):
    result = (running.add.s(1, 1).set(ignore_result=True) | running.add.s(1)).delay()
    assert get(result) == 3


def test_ids_of_a_workflow(running):
    ids = running.ids
    result = (ids.si() | group(ids.si(), ids.si()) | ids.si()).delay()
    last, fan, first = result, result.parent, result.parent.parent
    assert isinstance(fan, GroupResult)
    assert get(first) == [first.id, first.id, None, None]
    for member in fan:
        assert get(member) == [member.id, first.id, first.id, fan.id]
    last_id, root, parent, _ = get(last)
    assert (last_id, root) == (last.id, first.id)
    assert parent in [member.id for member in fan]


def test_a_job_sent_by_a_task_is_its_child(running):
    sent = running.parent.delay()
    child = get(sent)
    (found,) = sent.children
    assert found.id == child
    assert get(found) == [child, sent.id, sent.id, None]
    assert found.parent == sent
    assert {one.id: [two.id for two in below] for one, below in sent.graph.items()} == {sent.id: [child], child: []}
    assert [value for _, value in sent.collect(timeout=PATIENCE)] == [child, [child, sent.id, sent.id, None]]


def test_a_chain_that_expires_is_revoked_to_its_end(running):
    result = (running.add.s(1, 1).set(countdown=0.2, expires=0.0) | running.add.s(1)).delay()
    with pytest.raises(TaskRevoked):
        get(result)


def test_a_countdown_of_a_step_counts_from_its_parents_end(running):
    result = (running.add.s(1, 1) | running.add.s(1).set(countdown=0.3)).delay()
    assert get(result) == 3
    assert (result.date_done - result.parent.date_done).total_seconds() >= 0.3


def test_options_of_a_chain_reach_all_steps(stage):
    sig = (stage.add.s(1) | stage.add.s(2)).set(queue="other")
    assert [row.options for row in sig.plan().rows] == [{"queue": "other"}] * 2


def test_an_empty_chain_sends_nothing(stage):
    assert not chain()
    assert chain(stage.add.s(1), group()).plan().handle is not None
    assert group().plan().rows == []


def test_frozen_ids_are_those_that_run(running):
    sig = running.add.s(1, 1) | running.add.s(1)
    frozen = sig.freeze()
    result = sig.delay()
    assert (result.id, result.parent.id) == (frozen.id, frozen.parent.id)
    assert get(frozen) == 3


def test_a_task_sees_its_stamps(running):
    sig = (running.add.s(1, 1) | running.stamps.s()).stamp(customer="Ada")
    assert get(sig.delay()) == [["customer"], {"customer": "Ada"}]

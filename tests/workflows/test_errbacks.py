"""Whose failure an errback of a chord, or of a chain with a chord in it, runs for; on both databases."""

import pytest

from sqlqueue import chain, chord, group
from tests.support.processes import wait_until


def told(running, count):
    """Return the ids that errbacks have been told of, when all that could tell any is over."""
    wait_until("all jobs to be over", lambda: running.app.queues.counts() == [])
    assert len(running.seen) == count
    return sorted(running.seen)


def failing(running, *, errback):
    """Return a chord of which two members of the header fail, the errback linked to the whole."""
    ids = ["first", "second"]
    header = [running.fail.s().set(task_id=id_) for id_ in ids]
    sig = chord([*header, running.add.s(1)], running.total.s().set(task_id="third"))
    sig.link_error(errback)
    return sig


def test_errbacks_of_a_chord_run_for_its_body_alone(running):
    failing(running, errback=running.told.s()).delay()
    assert told(running, 1) == ["third"]


def test_errbacks_of_a_chord_run_for_its_header_where_they_may(running):
    running.app.conf.task_allow_error_cb_on_chord_header = True
    failing(running, errback=running.told.s()).delay()
    assert told(running, 3) == ["first", "second", "third"]


def test_what_the_call_gives_is_the_bodys_alone(running):
    running.app.conf.task_allow_error_cb_on_chord_header = True
    header = [running.fail.s(), running.add.s(1)]
    chord(header, running.total.s().set(task_id="body")).apply_async(link_error=running.told.s())
    assert told(running, 1) == ["body"]


@pytest.mark.parametrize(("allowed", "count"), [(False, 1), (True, 3)])
@pytest.mark.parametrize("inner", [False, True])
def test_errbacks_of_a_chain_with_a_chord_in_it(running, allowed, count, inner):
    running.app.conf.task_allow_error_cb_on_chord_header = allowed
    sig = chain(group(running.fail.si(), running.fail.si()), running.total.s(), running.add.s(1))
    sig.link_error(running.told.s())
    (chain(running.add.s(1, 1), sig) if inner else sig).delay()
    told(running, count)


def test_errbacks_of_a_chord_reach_the_steps_of_a_chain_in_its_header(running):
    running.app.conf.task_allow_error_cb_on_chord_header = True
    member = chain(running.add.s(1), running.fail.s().set(task_id="step"), running.add.s(1))
    chord([member, running.add.s(1)], running.total.s().set(task_id="body")).on_error(running.told.s()).apply_async(
        (1,)
    )
    assert told(running, 2) == ["body", "step"]


def test_errbacks_of_a_chord_in_a_header_run_for_all_of_it(running):
    running.app.conf.task_allow_error_cb_on_chord_header = True
    inner = chord([running.fail.s().set(task_id="leaf"), running.add.s(1)], running.total.s().set(task_id="inner"))
    chord([inner, running.add.s(1)], running.total.s().set(task_id="outer")).on_error(running.told.s()).delay()
    assert told(running, 3) == ["inner", "leaf", "outer"]

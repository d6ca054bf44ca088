"""Workflows that failed run again by hand: each job once, given what its parents return, on both databases."""

import pytest

from sqlqueue import ChordError, TaskRevoked, chain, chord, group
from sqlqueue.client.started import result_from_tuple
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.errors import ConfigError
from sqlqueue.store.operation import Statement, ask
from sqlqueue.store.ops.jobs import LAST
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 30


class Moody:
    """A task that fails until its cause is mended."""

    def __init__(self, stage):
        self.mended, self.ran = False, []
        self.task = stage.app.task(name="moody")(self._run)

    def _run(self, *args):
        self.ran.append(args)
        if not self.mended:
            raise ValueError("not yet")
        return sum(args)


@pytest.fixture
def moody(stage):
    return Moody(stage)


@pytest.fixture
def running(stage, moody):
    with working(stage.app):
        yield stage


def get(result):
    """Return what a job is over with now, whatever its handle has seen before."""
    return result_from_tuple(result.as_tuple(), getattr(result, "asker", None) or result.results[0].asker).get(
        timeout=PATIENCE
    )


def failed(result, error=ValueError):
    with pytest.raises(error):
        get(result)


def left(_):
    return (yield from ask(Statement("SELECT count(*) FROM sqlqueue_dependencies")))[0][0]


SHAPES = {
    "chain": (lambda s, m: chain(m.s(1), s.add.s(10), s.add.s(100)), 111, ValueError),
    "later in a chain": (lambda s, m: chain(s.add.s(1, 1), m.s(5), s.add.s(100)), 107, ValueError),
    "chord": (lambda s, m: chord([s.add.s(1, 1), m.s(5), s.add.s(2, 2)], s.total.s()), 11, ChordError),
    "two of a header": (lambda s, m: chord([m.s(1), s.add.s(1, 1), m.s(5)], s.total.s()), 8, ChordError),
    "chord, then more": (lambda s, m: chain(chord([m.s(5), s.add.s(1, 1)], s.total.s()), s.add.s(1)), 8, ChordError),
    "before a header": (lambda s, m: chain(m.s(1), group(s.add.s(1), s.add.s(2)), s.total.s()), 5, ChordError),
    "replaced": (lambda s, m: s.swap.s(sig=chain(m.s(1), s.add.s(10), s.add.s(100))), 111, ValueError),
    "immutable": (lambda s, m: chain(m.s(1), s.add.si(2, 2)), 4, ValueError),
    "joined groups": (
        lambda s, m: chain(group(m.s(1), s.add.s(1, 1)), group(s.total.s(), s.total.s())),
        [3, 3],
        ChordError,
    ),
}


@pytest.mark.parametrize("how", ["root", "culprits", "state", "all ids"])
@pytest.mark.parametrize("name", SHAPES)
def test_what_never_ran_waits_for_what_runs_again(running, moody, name, how):
    make, wanted, error = SHAPES[name]
    result = make(running, moody.task).delay()
    failed(result, error)
    jobs = running.app.jobs
    wait_until("all to be over", lambda: not running.app.queues.counts())
    ids = [one.id for one in jobs.find(Which(state=State.FAILED), 100)]
    culprits = [one.id for one in jobs.find(Which(state=State.FAILED, task="moody"), 100)]
    root = next(one for one in (jobs.show(culprits[0]).root_id, culprits[0]) if one)
    before = len(moody.ran)
    moody.mended = True
    which = {
        "root": Which(root_id=root),
        "culprits": Which(ids=culprits),
        "state": Which(state=State.FAILED),
        "all ids": Which(ids=ids),
    }
    again = jobs.retry(which[how])
    assert set(culprits) <= set(again) <= set(ids)
    assert get(result) == wanted
    assert len(moody.ran) == before + len(culprits), "each once"
    assert running.app.store.read(left) == 0


def test_what_never_ran_is_told_from_what_failed(running, moody):
    result = chain(running.add.s(1, 1), moody.task.s(1), *[running.add.s(10)] * 3).delay()
    failed(result)
    wait_until("all to be over", lambda: not running.app.queues.counts())
    jobs, some = running.app.jobs, Which(state=State.FAILED)
    (culprit,) = jobs.find(some._replace(never_ran=False))
    behind = jobs.find(some._replace(never_ran=True))
    assert (culprit.task, len(behind), behind[0].error) == ("moody", 3, culprit.error)
    assert {one.id for one in jobs.find(some)} == {culprit.id, *(one.id for one in behind)}
    assert (jobs.never_ran(some), jobs.never_ran(Which(task="moody")), jobs.never_ran(some, LAST)) == (3, 0, 0)
    assert {one.task for one in jobs.find(Which(never_ran=False))} == {"add", "moody"}
    assert jobs.retry(some._replace(never_ran=True)) == [], "they come along with what they wait for"
    waiting = running.add.apply_async((1, 1), countdown=600)
    assert jobs.find(Which(never_ran=True, task="add"), 1)[0].id != waiting.id, "what is not over is none of them"
    with pytest.raises(ConfigError):
        jobs.revoke(Which(never_ran=False))
    assert jobs.revoke(Which(never_ran=True, task="add")).ended == []
    moody.mended = True
    assert set(jobs.retry(some._replace(never_ran=False))) == {culprit.id, *(one.id for one in behind)}
    assert get(result) == 33


def test_what_fails_again_ends_all_again_and_may_be_tried_once_more(running, moody):
    result = chain(moody.task.s(1), running.add.s(10)).delay()
    failed(result)
    (culprit,) = running.app.jobs.find(Which(task="moody"))
    assert len(running.app.jobs.retry(Which(ids=[culprit.id]))) == 2
    failed(result)
    assert len(moody.ran) == 2
    moody.mended = True
    running.app.jobs.retry(Which(ids=[culprit.id]))
    assert get(result) == 11


def test_a_step_whose_parent_stays_failed_ends_once_more_as_it_did(running, moody):
    result = chain(moody.task.s(1), running.add.s(10)).delay()
    failed(result)
    assert running.app.jobs.retry(Which(ids=[result.id])) == []
    failed(result)
    assert running.app.jobs.retry(Which(task="add")) == [], "by a filter that means only such, nothing is done"
    assert running.app.store.read(left) == 0


def test_a_link_of_a_job_that_runs_again_runs(running, moody):
    result = moody.task.s(3).set(link=running.note.s()).delay()
    failed(result)
    moody.mended = True
    running.app.jobs.retry(Which(ids=[result.id]))
    assert get(result) == 3
    (link,) = result.children
    assert get(link) == 3


def test_a_revoked_workflow_runs_again(running, moody):
    moody.mended = True
    result = chain(running.add.s(1, 1).set(countdown=600), running.add.s(10)).delay()
    result.parent.revoke()
    failed(result, TaskRevoked)
    assert len(running.app.jobs.retry(Which(ids=[result.parent.id]))) == 2
    assert get(result) == 12


def test_a_step_revoked_by_itself_waits_for_its_parent_again(stage, moody):
    result = chain(stage.add.s(1, 1), stage.add.s(10)).delay()
    result.revoke()
    assert stage.app.jobs.retry(Which(ids=[result.id])) == [result.id]
    assert stage.app.jobs.show(result.id).job.state is State.BLOCKED
    with working(stage.app):
        assert get(result) == 12


def test_by_a_filter_each_job_is_tried_once_though_it_fails_at_once(running, moody):
    sent = [moody.task.delay(n) for n in range(5)]
    for one in sent:
        failed(one)
    assert sorted(running.app.jobs.retry(Which(task="moody"))) == sorted(one.id for one in sent)
    for one in sent:
        failed(one)
    assert len(moody.ran) == 10

"""Broadcast queues: every worker that serves one does each of its jobs, on both databases."""

from contextlib import ExitStack

import pytest

from sqlqueue import Broadcast, ChordError, SQLQueue, TaskRevoked, chain, chord, group
from sqlqueue.errors import UntrustedJob
from sqlqueue.store.operation import Statement, ask
from sqlqueue.worker.shutdown import Shutdown
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 30
KEY = "a key of the shop's workers"


class Shop:
    """Tasks whose jobs go to every worker; each says which one did it."""

    def __init__(self, stage):
        self.stage, self.app = stage, stage.app
        self.app.conf.task_queues = ["default", Broadcast("news")]
        self.reload = self.app.task(name="reload", bind=True, queue="news")(self._reload)
        self.fail_on = self.app.task(name="fail_on", bind=True, queue="news")(self._fail_on)
        self.retry_on = self.app.task(name="retry_on", bind=True, queue="news", default_retry_delay=0.1)(self._retry_on)

        self.started = []
        self.roll = self.app.task(name="roll", bind=True, queue="news", concurrency_limit=1)(self._roll)

    def _roll(self, task):
        self.started.append(task.request.hostname)
        self.stage.gates[0].wait(PATIENCE)
        return task.request.hostname

    @staticmethod
    def _reload(task, *args, **kwargs):
        return [task.request.hostname, *args, *kwargs.items()]

    @staticmethod
    def _fail_on(task, name):
        if task.request.hostname == name:
            raise ValueError(f"not on {name}")
        return task.request.hostname

    @staticmethod
    def _retry_on(task, name):
        if task.request.hostname == name and not task.request.retries:
            raise task.retry()
        return [task.request.hostname, task.request.retries]


@pytest.fixture
def shop(stage):
    return Shop(stage)


@pytest.fixture
def crew(shop):
    """Two workers that serve the queue, and one that does not."""
    with ExitStack() as stack:
        for name, queues in (("w1", ("default", "news")), ("w2", ("news",)), ("w3", ("default",))):
            stack.enter_context(working(shop.app, *queues, name=name))
        wait_until("three workers", lambda: len(shop.app.queues.workers()) == 3)
        yield shop


def get(result):
    return result.get(timeout=PATIENCE)


def rows(_):
    return (yield from ask(Statement("SELECT queue, state, task FROM sqlqueue_jobs ORDER BY queue, state, task")))


def test_every_worker_that_serves_the_queue_does_the_job_once(crew):
    sent = crew.reload.delay(1, b=2)
    assert get(sent) == [["w1", 1, ["b", 2]], ["w2", 1, ["b", 2]]]
    assert sent.state == "SUCCESS"
    assert sorted(get(one)[0] for one in sent.children) == ["w1", "w2"]
    assert get(crew.reload.delay()) == [["w1"], ["w2"]], "the next one too"
    assert crew.app.store.read(rows) == []


def test_calls_of_every_form_are_spread(crew):
    many = crew.reload.send_many([(1,), (2,)])
    assert [get(one) for one in many] == [[["w1", n], ["w2", n]] for n in (1, 2)]
    assert get(crew.reload.apply_async((3,), countdown=0.1)) == [["w1", 3], ["w2", 3]]
    assert get(crew.reload.apply_async((4,), headers={"a": 1})) == [["w1", 4], ["w2", 4]]
    assert get(crew.reload.apply_async((5,), ignore_result=True)) is None
    assert get(crew.stage.identity.apply_async((6,), queue="news")) == [6, 6]
    assert get(crew.stage.identity.apply_async((7,), exchange="news")) == [7, 7], "Celery's way to say it"
    crew.app.conf.task_routes = {"identity": {"exchange": "news"}}
    assert get(crew.stage.identity.delay(8)) == [8, 8]


def test_it_is_a_step_of_workflows_like_any_other(crew):
    names = crew.reload.si()
    assert get(chain(names, crew.stage.identity.s()).delay()) == [["w1"], ["w2"]]
    assert get(chain(crew.stage.identity.s(1), crew.reload.s(2)).delay()) == [["w1", 1, 2], ["w2", 1, 2]]
    assert get(chord([names, crew.stage.identity.s(0)], crew.stage.identity.s()).delay()) == [[["w1"], ["w2"]], 0]
    assert get(group(names, names).delay()) == [[["w1"], ["w2"]]] * 2
    assert get(crew.reload.map([1, 2]).set(queue="news").delay()) == [[[w, 1], [w, 2]] for w in ("w1", "w2")]


def test_one_worker_that_fails_fails_the_job_and_the_others_do_it(crew):
    failed = crew.fail_on.s("w2").on_error(crew.stage.told.s()).delay()
    with pytest.raises(ChordError, match="not on w2"):
        get(failed)
    wait_until("the errback", lambda: crew.stage.seen == [failed.id])
    copies = [one for one in failed.children if one.name == "fail_on"]
    assert {get_or_error(one) for one in copies} == {"w1", "not on w2"}


def get_or_error(result):
    return str(result.get(timeout=PATIENCE, propagate=False))


def test_a_retry_stays_with_its_worker(crew):
    assert get(crew.retry_on.delay("w2")) == [["w1", 0], ["w2", 1]]


def test_what_was_left_to_a_worker_waits_for_it(shop):
    with working(shop.app, "news", name="w1"):
        with working(shop.app, "news", "own", name="w2", concurrency=1) as second:
            busy = shop.stage.wait_for_gate.apply_async((0,), queue="own")
            wait_until("it runs", lambda: busy.state == "STARTED")
            sent = shop.reload.delay()
            wait_until("the other has done it", lambda: "w1" in {x.result and x.result[0] for x in sent.children})
            second.stop(Shutdown.WARM)
            shop.stage.gates[0].set()
        assert ("news@w2", "ready", "reload") in [tuple(row) for row in shop.app.store.read(rows)]
        assert not sent.ready()
        with working(shop.app, "news", name="w2"):
            assert get(sent) == [["w1"], ["w2"]]


def test_without_a_worker_it_waits_for_the_first(shop):
    sent = shop.reload.delay()
    with working(shop.app, "news", name="w1"):
        assert get(sent) == [["w1"]]


def test_a_paused_queue_rests_in_all_workers(crew):
    crew.app.queues.pause("news")
    wait_until("two know", lambda: paused(crew.app) == {"w1", "w2"})
    sent = crew.reload.delay()
    copy = crew.stage.identity.apply_async((1,), queue="news@w2")
    assert get(crew.stage.identity.delay(2)) == 2
    assert (sent.ready(), copy.ready()) == (False, False)
    crew.app.queues.resume("news")
    assert (get(sent), get(copy)) == ([["w1"], ["w2"]], 1)


def paused(app):
    """Return the names of workers that have seen the pause: they answer after it."""
    return {name for reply in app.control.ping(timeout=PATIENCE) for name in reply} & {"w1", "w2"}


def test_the_tree_of_a_broadcast_is_revoked(shop):
    shop.app.conf.task_queues = [Broadcast("news"), "default"]
    with working(shop.app, "default", "news", name="w1"):
        sent = shop.reload.s().set(queue="news").delay()
        get(sent)
        later = shop.reload.apply_async(countdown=60)
        later.revoke()
        with pytest.raises(TaskRevoked):
            get(later)


def test_a_limit_of_the_fleet_holds_for_the_copies(crew):
    sent = crew.roll.delay()
    wait_until("one runs", lambda: crew.started)
    assert get(crew.stage.identity.apply_async((1,), queue="news")) == [1, 1], "the others have room"
    assert len(crew.started) == 1
    crew.stage.gates[0].set()
    assert get(sent) == ["w1", "w2"]


def test_signed_jobs_are_spread_and_others_are_not_run(shop, database_url):
    shop.app.conf.task_signing_keys = [KEY]
    with working(shop.app, "default", "news", name="w1"), working(shop.app, "news", name="w2"):
        wait_until("two workers", lambda: len(shop.app.queues.workers()) == 2)
        assert get(chain(shop.stage.identity.s(1), shop.reload.s()).delay()) == [["w1", 1], ["w2", 1]]
        stranger = SQLQueue("stranger", broker=database_url)
        forged = stranger.send_task("reload", queue="news")
        with pytest.raises((UntrustedJob, ChordError), match="no signature"):
            get(forged)
        stranger.close()


def test_a_running_worker_begins_and_ends_to_serve_it(shop):
    with working(shop.app, "default", name="w1"), working(shop.app, "news", name="w2"):
        wait_until("two workers", lambda: len(shop.app.queues.workers()) == 2)
        shop.app.control.add_consumer("news", destination=["w1"], reply=True, timeout=PATIENCE, limit=1)
        assert get(shop.reload.delay()) == [["w1"], ["w2"]]
        shop.app.control.cancel_consumer("news", destination=["w1"], reply=True, timeout=PATIENCE, limit=1)
        served = {one.name: one.queues for one in shop.app.queues.workers()}
        assert served == {"w1": ["default"], "w2": ["news", "news@w2"]}
        assert get(shop.reload.delay()) == [["w2"]]

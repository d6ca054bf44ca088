"""What happens in one worker, read from elsewhere: each type of event, told by senders, tasks and the worker."""

import asyncio
import threading
import time
from operator import itemgetter

import pytest

from sqlqueue import SQLQueue
from sqlqueue.errors import ConfigError, Reject
from sqlqueue.signals import worker_process_shutdown
from sqlqueue.store.ops.events import tell_events
from tests.support.inprocess import working

COMMON = {"type", "hostname", "pid", "timestamp", "utcoffset", "clock", "local_received"}


class Shop:
    """An app with tasks of every end, and what was received."""

    def __init__(self, url, **settings):
        self.app = app = SQLQueue("shop", broker=url, **settings)
        self.gate = threading.Event()
        self.heard = []
        self.state = app.events.State()
        self.add = app.task(name="add")(lambda x, y: x + y)
        self.wait = app.task(name="wait")(lambda: self.gate.wait(30))
        self.fail = app.task(name="fail")(self._fail)
        self.flaky = app.task(name="flaky", bind=True)(self._flaky)
        self.refuse = app.task(name="refuse", bind=True)(self._refuse)
        self.tell = app.task(name="tell", bind=True)(lambda task: task.send_event("shop-packed", parcels=3))

    @staticmethod
    def _fail():
        raise ValueError("no")

    @staticmethod
    def _flaky(task):
        if task.request.retries == 0:
            raise task.retry(countdown=0.01, exc=KeyError("once"))

    @staticmethod
    def _refuse(task):
        raise Reject("not here", requeue=False)

    def take(self, event):
        self.heard.append(event)
        self.state.event(event)

    def of(self, result):
        """Return what was told of a job."""
        return [event for event in self.heard if event.get("uuid") == result.id]

    def watch(self):
        self.stream = self.app.events.Receiver(handlers={"*": self.take}).itercapture(timeout=30)
        self.until(lambda: "worker-heartbeat" in types(self.heard))

    def until(self, condition):
        """Receive on until it is so."""
        deadline = time.monotonic() + 30
        for _ in self.stream:
            if condition():
                return
            assert time.monotonic() < deadline, types(self.heard)


@pytest.fixture
def make(database_url):
    made = []

    def make(**settings):
        made.append(Shop(database_url, **settings))
        return made[-1]

    yield make
    for one in made:
        one.app.close()


def types(events):
    return [event["type"] for event in events]


def test_each_type_with_its_fields(make):
    shop = make(task_send_sent_event=True)
    with working(shop.app):
        shop.watch()
        added, failed, retried = shop.add.delay(2, y=3), shop.fail.delay(), shop.flaky.delay()
        told, held, revoked = shop.tell.delay(), shop.wait.delay(), shop.wait.apply_async(expires=-1)
        ids = {one.id for one in (added, failed, retried, told, revoked)}
        shop.until(lambda: {task.id for task in shop.state.tasks.values() if task.ready} >= ids)
        shop.until(lambda: "task-started" in types(shop.of(held)))
        assert not shop.state.tasks[held.id].ready, "it is told of while it runs"
        shop.gate.set()
        shop.until(lambda: shop.state.tasks[held.id].ready and "shop-packed" in types(shop.heard))
    shop.until(lambda: "worker-offline" in types(shop.heard))
    by_type = {event["type"]: event for event in shop.of(added)}
    assert sorted(by_type) == ["task-received", "task-sent", "task-started", "task-succeeded"]
    by_worker = sorted((event for event in shop.of(added) if event["type"] != "task-sent"), key=itemgetter("timestamp"))
    assert types(by_worker) == ["task-received", "task-started", "task-succeeded"]
    assert {event["type"]: event.keys() >= COMMON for event in shop.heard} == dict.fromkeys(types(shop.heard), True)
    assert by_type["task-received"]["hostname"] == "w" != by_type["task-sent"]["hostname"]
    for type_ in ("task-sent", "task-received"):
        assert (by_type[type_]["name"], by_type[type_]["args"], by_type[type_]["kwargs"]) == ("add", "(2,)", "{'y': 3}")
    assert (by_type["task-succeeded"]["result"], by_type["task-succeeded"]["runtime"] >= 0) == ("5", True)
    assert "ValueError: no" in shop.state.tasks[failed.id].exception
    assert "Traceback" in shop.state.tasks[failed.id].traceback
    assert types(shop.of(retried)).count("task-retried") == 1
    assert shop.state.tasks[retried.id].state == "SUCCESS"
    assert (shop.state.tasks[revoked.id].state, shop.state.tasks[revoked.id].expired) == ("REVOKED", True)
    (packed,) = [event for event in shop.of(told) if event["type"] == "shop-packed"]
    assert (packed["parcels"], packed["hostname"]) == (3, "w")
    assert [event["clock"] for event in shop.heard] == sorted({event["clock"] for event in shop.heard})
    assert (shop.state.workers["w"].processed, shop.state.workers["w"].alive) == (6 + 1, False)


def test_workers_write_nothing_while_nobody_watches_and_do_when_told(make):
    shop = make()
    with working(shop.app) as worker:
        shop.add.delay(1, 2).get(timeout=30)
        stats = shop.app.control.inspect("w").stats()["events"]
        assert stats == {"tasks": False, "enabled": None, "watched": False, "dropped": 0}
        assert shop.app.control.enable_events(reply=True) == [{"w": {"ok": "task events enabled"}}]
        assert shop.app.control.enable_events(reply=True) == [{"w": {"ok": "task events already enabled"}}]
        assert worker._stream.tells_tasks
        assert shop.app.control.disable_events(reply=True) == [{"w": {"ok": "task events disabled"}}]
        assert shop.app.control.disable_events(reply=True) == [{"w": {"ok": "task events already disabled"}}]
        shop.watch()
        quiet = shop.add.delay(3, 4)
        quiet.get(timeout=30)
        shop.app.control.enable_events(reply=True)
        loud = shop.add.delay(5, 6)
        shop.until(lambda: "task-succeeded" in types(shop.of(loud)))
        assert shop.of(quiet) == []
        stats = shop.app.control.inspect("w").stats()["events"]
        assert stats == {"tasks": True, "enabled": True, "watched": True, "dropped": 0}


def test_a_receiver_calls_the_handler_of_a_type_and_ends_when_it_should(make):
    shop = make()
    app, other = shop.app, []
    receiver = app.events.Receiver(handlers={"shop-one": shop.take, "*": lambda event: other.append(event["type"])})
    events = receiver.itercapture(limit=3, timeout=30, wakeup=False)
    for number in range(2):
        app.events.send("shop-one", number=number, hostname="it's me")
    with app.events.Dispatcher("me@here") as dispatcher:
        dispatcher.send("shop-two", thing={1})
    assert sorted(types(events)) == ["shop-one", "shop-one", "shop-two"]  # two senders have no order
    assert [(event["number"], event["hostname"]) for event in shop.heard] == [(0, "it's me"), (1, "it's me")]
    assert other == ["shop-two"]


def test_what_was_told_before_is_not_received_and_nothing_comes_in_time(make):
    shop = make()
    shop.app.store.run(tell_events, [{"type": "old", "hostname": "x"}], always=True)
    with pytest.raises(TimeoutError, match=r"no event for 0\.3 s"):
        shop.app.events.Receiver({"*": shop.take}).capture(timeout=0.3)
    assert shop.heard == []


def test_it_can_be_awaited_and_ends_with_its_task(make):
    shop = make()

    async def watch():
        receiver = shop.app.events.Receiver(handlers={"*": shop.take})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receiver.acapture(), 0.3)
        return receiver.should_stop

    assert asyncio.run(watch()) is True


def test_what_nobody_watches_is_not_kept(make):
    shop = make(task_send_sent_event=True)
    shop.add.delay(1, 2)
    shop.app.events.send("shop-one")
    shop.app.client.dispatcher.flush()
    assert shop.app.store.read(_count) == 0


def _count(dialect):
    from sqlqueue.store.ops.events import newest_event

    return (yield from newest_event(dialect))


def test_a_child_that_ends_says_its_last_words(make):
    shop = make()
    events = shop.app.events.Receiver().itercapture(timeout=30, wakeup=False)
    shop.app.events.send("shop-one")
    assert next(events)["type"] == "shop-one"
    shop.app.events.send("shop-two")  # would wait half a second
    worker_process_shutdown.send(pid=1, exitcode=0)
    newest = shop.app.store.read(_count)
    assert next(events)["clock"] == newest, "it was written before the child ended"


@pytest.mark.parametrize("type_", ["", "x" * 101, "a\nb"])
def test_a_type_that_is_no_name(make, type_):
    with pytest.raises(ConfigError, match="use a string of 1 to 100 printable characters"):
        make().app.events.send(type_)


def test_a_handler_that_cannot_be_called(make):
    with pytest.raises(ConfigError, match="the handler of 'x' is 5: use a function of one event"):
        make().app.events.Receiver(handlers={"x": 5})

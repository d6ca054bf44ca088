"""A worker's stream: it hears only while somebody wants to know, forgets the oldest, and writes in batches."""

import pytest

from sqlqueue.domain.job import Job
from sqlqueue.errors import StoreUnavailable
from sqlqueue.events.bus import Bus
from sqlqueue.events.catalog import JobsClaimed, JobSucceeded
from sqlqueue.store.ops.events import read_events
from sqlqueue.store.store import Store
from sqlqueue.worker import stream as room
from sqlqueue.worker.pools.pool import Executing, Survey
from sqlqueue.worker.stream import Stream
from tests.support.clock import FakeClock


def job(number):
    return Job(
        str(number), 1, "q", 0, "t", "[]", "{}", None, None, None, None, None, 1, 0, 0, 3, True, False, 7
    )  # fmt: skip


class Worker:
    """The parts of a worker that its stream looks at."""

    def __init__(self, url, **options):
        self.store = Store(url)
        self.link = self.store.pinned()
        self.bus, self.clock = Bus(), FakeClock()
        self.running: list[Executing] = []
        self.stream = Stream(
            "w", self.bus, lambda: Survey(self.running, []), lambda: {"t": 9}, self.clock, **options
        )  # fmt: skip

    def claim(self, *numbers):
        self.bus.emit(JobsClaimed("w", [job(number) for number in numbers]))

    def succeed(self, *numbers, runtime=0.0):
        for number in numbers:
            if self.bus.wants(JobSucceeded):
                self.bus.emit(JobSucceeded(str(number), "t", runtime, "1"))

    def told(self, *, but="worker"):
        rest = self.stream.tick(self.link)
        found = [told.event for told in self.link.read(read_events, 0)]
        return rest, [(one["type"], one.get("uuid")) for one in found if not one["type"].startswith(but)]


@pytest.fixture
def make(database_url):
    made = []

    def make(**options):
        made.append(Worker(database_url, **options))
        return made[-1]

    yield make
    for one in made:
        one.link.close()
        one.store.close()


def test_nothing_is_heard_or_written_until_somebody_watches(make):
    worker = make()
    assert not worker.bus.wants(JobsClaimed)
    assert not worker.bus.wants(JobSucceeded)
    worker.claim(1)
    assert worker.told(but="x") == (room.ASLEEP, [])
    worker.stream.notice(True)
    worker.claim(2)
    worker.succeed(2)
    rest, told = worker.told()
    assert (rest, told) == (room.SPACING, [("task-received", "2"), ("task-started", "2"), ("task-succeeded", "2")])
    worker.stream.notice(False)
    assert not worker.bus.wants(JobsClaimed)
    worker.claim(3)
    assert worker.told() == (room.ASLEEP, told)


def test_always_means_from_the_start(make):
    worker = make(always=True)
    worker.claim(1)
    _, told = worker.told(but="x")
    assert told == [("worker-online", None), ("task-received", "1"), ("worker-heartbeat", None)]
    assert worker.stream.enable(True) is False
    assert worker.stream.enable(False) is True
    assert worker.stream.enable(False) is False
    worker.claim(2)
    assert ("task-received", "2") not in worker.told()[1]
    worker.stream.notice(True)
    assert not worker.bus.wants(JobsClaimed), "what was disabled stays so, whoever watches"


def test_what_runs_long_is_told_while_it_runs_and_only_once(make):
    worker = make()
    worker.stream.notice(True)
    worker.claim(1)
    worker.running.append(Executing(job(1), worker.clock.monotonic(), 77))
    for _ in range(2):
        worker.clock.advance(1.0)
        assert worker.told()[1] == [("task-received", "1"), ("task-started", "1")]
    worker.running.clear()
    worker.succeed(1, runtime=2.0)
    assert worker.told()[1][2:] == [("task-succeeded", "1")]
    started = next(
        told.event for told in worker.link.read(read_events, 0) if told.event["type"] == "task-started"
    )  # fmt: skip
    assert (started["pid"], started["timestamp"]) == (77, worker.clock.now().timestamp() - 2.0)


def test_too_many_are_dropped_the_oldest_first_and_it_is_said(make, monkeypatch):
    monkeypatch.setattr(room, "MOST_KEPT", 5)
    monkeypatch.setattr(room, "BATCH", 3)
    worker = make()
    worker.stream.notice(True)
    worker.told()
    worker.claim(*range(8))
    assert worker.told()[1] == [("events-dropped", None), *(("task-received", str(n)) for n in (3, 4, 5))]
    assert worker.told()[1][4:] == [("task-received", "6"), ("task-received", "7")]
    (dropped,) = [told.event for told in worker.link.read(read_events, 0) if told.event["type"] == "events-dropped"]
    assert (dropped["count"], worker.stream.dropped) == (3, 3)


def test_what_could_not_be_written_counts_as_dropped(make, monkeypatch):
    worker = make()
    worker.stream.notice(True)
    worker.told()
    worker.claim(1, 2)

    def fail(*_, **__):
        yield from ()
        raise StoreUnavailable("gone")

    monkeypatch.setattr(room, "tell_events", fail)
    with pytest.raises(StoreUnavailable):
        worker.told()
    monkeypatch.undo()
    assert worker.told()[1] == [("events-dropped", None)]
    assert worker.stream.dropped == 2


def test_a_task_of_which_nothing_is_told(make):
    worker = make(untold=lambda: frozenset({"t"}))
    worker.stream.notice(True)
    worker.claim(1, 2)
    worker.running.append(Executing(job(2), worker.clock.monotonic(), 77))
    worker.succeed(1)
    assert worker.told() == (room.SPACING, [])


def test_it_beats_every_two_seconds_and_says_goodbye(make):
    worker = make()
    worker.stream.notice(True)
    for _ in range(5):
        worker.told()
        worker.clock.advance(1.0)
    worker.stream.leave(worker.link)
    _, told = worker.told(but="x")
    assert [type_ for type_, _ in told].count("worker-heartbeat") == 3
    last = worker.link.read(read_events, 0)[-1].event
    assert (last["type"], last["processed"], last["freq"]) == ("worker-offline", 9, 2.0)

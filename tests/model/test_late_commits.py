"""Transactions that draw their place early and commit late, in every order, against the worker's own memory of lanes.

Time is an argument: the clock goes in steps of one poll. What the worker reads is answered by a list of places, and in
the last tests by PostgreSQL itself with as many open transactions.
"""

from __future__ import annotations

import itertools
from contextlib import ExitStack

import psycopg
import pytest

from sqlqueue.notify.channels import News
from sqlqueue.store.drivers import drive, over_pyformat
from sqlqueue.store.ops.claim import LaneRead, claim
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.postgres import Postgres
from sqlqueue.worker.lane import Lane
from sqlqueue.worker.lanes import Lanes
from tests.support.claimed import claimed
from tests.support.clock import FakeClock
from tests.support.jobs import ME, QUEUE, new_job
from tests.support.runners import ROW

POLL = 0.5
"""Seconds between two looks of a worker that nobody tells of anything, at most."""

POLLED, NOTIFIED = 5.0, 1.0
"""Seconds within which a job starts after its commit."""

LATE = 4
"""Transactions that commit late."""

GAPS = (0.2, 1.3, 7.0)
"""Seconds between two of their commits."""


class Places:
    """A lane as a list of places: which are committed and not claimed."""

    def __init__(self):
        self.ready: set[int] = set()
        self._last = 0

    def draw(self):
        self._last += 1
        return self._last

    def commit(self, place):
        self.ready.add(place)

    def claim(self, reads: list[LaneRead], at_most: int):
        found: list[int] = []
        for read in reads:
            here = sorted(place for place in self.ready if read.low < place < read.high)
            found += here[: min(read.at_most, at_most - len(found))]
            self.ready.difference_update(found)
        return [claimed(id=str(place), seq=place, queue=QUEUE) for place in found]


class Transactions:
    """The same in PostgreSQL, where each late place is an open transaction."""

    def __init__(self, url, stack):
        self._url = url
        self._stack = stack
        self._open: dict[int, psycopg.Connection] = {}
        self._worker = stack.enter_context(psycopg.connect(url, autocommit=True))

    def draw(self):
        connection = self._stack.enter_context(psycopg.connect(self._url))
        (placed,) = drive(over_pyformat(connection, ROW), enqueue(Postgres(), [new_job()]))
        assert placed.seq is not None
        self._open[placed.seq] = connection
        return placed.seq

    def commit(self, place):
        self._open.pop(place).commit()

    def claim(self, reads, at_most):
        return drive(over_pyformat(self._worker, ROW), claim(Postgres(), ME, reads, at_most))


def waits(table, order, gap, *, notified, at_most, busy=True):
    """Let transactions commit in an order, ``gap`` seconds apart; return how long each late job waited."""
    clock = FakeClock()
    lanes = Lanes([QUEUE], clock, remember=True)
    late = [table.draw() for _ in order]
    due = [(clock.monotonic() + 10.0 + gap * turn, late[which]) for turn, which in enumerate(order)]
    committed: dict[int, float] = {}
    started: dict[int, float] = {}
    until = due[-1][0] + 3 * POLLED
    while clock.monotonic() < until and len(started) < len(late):
        if busy and clock.monotonic() < due[-1][0] + POLLED:
            table.commit(table.draw())  # others come and go, so that the cursor moves on
        while due and due[0][0] <= clock.monotonic():
            place = due.pop(0)[1]
            table.commit(place)
            committed[place] = clock.monotonic()
            if notified:
                lanes.heard(QUEUE, News({0: place}, scheduled=False))
        for job in _cycles(table, lanes, at_most):
            if job.seq in committed:
                started[job.seq] = clock.monotonic()
        clock.advance(POLL)
        if not due:
            due = [(float("inf"), 0)]
    return [started.get(place, float("inf")) - committed[place] for place in late]


def _cycles(table, lanes, at_most):
    """Cycle as a worker does when it is woken: until a claim is not full."""
    found = []
    while True:
        jobs = table.claim(lanes.reads(1, at_most), at_most)
        lanes.claimed(jobs, at_most)
        found += jobs
        if len(jobs) < at_most:
            return found


def longest(*, notified):
    return max(
        max(waits(Places(), order, gap, notified=notified, at_most=at_most))
        for order in itertools.permutations(range(LATE))
        for gap in GAPS
        for at_most in (1, 3, 100)
    )


def forget_to_step_back(monkeypatch):
    monkeypatch.setattr(Lane, "step_back", lambda _, *, from_start: None)


def test_what_commits_late_and_is_only_polled_starts_within_five_seconds():
    assert longest(notified=False) <= POLLED


def test_without_reading_again_it_would_wait_for_ever(monkeypatch):
    forget_to_step_back(monkeypatch)
    assert longest(notified=False) == float("inf")


def test_what_commits_late_and_is_told_starts_within_a_second():
    assert longest(notified=True) <= NOTIFIED


def test_without_listening_to_what_is_told_it_takes_longer(monkeypatch):
    monkeypatch.setattr(Lane, "heard", lambda *_: None)
    assert longest(notified=True) > NOTIFIED


@pytest.mark.parametrize("notified", [False, True])
def test_the_same_with_transactions_of_postgresql(postgres_url, notified):
    for order in itertools.permutations(range(3)):
        with ExitStack() as stack:
            found = waits(Transactions(postgres_url, stack), order, 1.3, notified=notified, at_most=3)
        assert max(found) <= (NOTIFIED if notified else POLLED), order


def test_and_without_reading_again_they_are_passed_over_for_ever(postgres_url, monkeypatch):
    forget_to_step_back(monkeypatch)
    with ExitStack() as stack:
        assert max(waits(Transactions(postgres_url, stack), (2, 0, 1), 1.3, notified=False, at_most=3)) == float("inf")

"""A clock that a test holds: what waits follows it, on both databases, and nobody sleeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sqlqueue import SQLQueue
from sqlqueue.domain import clock as clocks
from sqlqueue.domain.outcome import Failed, Retried, Revoked, Succeeded
from sqlqueue.errors import NotUnique
from sqlqueue.testing.clock import hold_clock
from sqlqueue.testing.drain import drain
from tests.support.inprocess import working

HOUR = timedelta(hours=1)


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url, timezone="Europe/Rome")
    yield app
    app.close()


@pytest.fixture
def add(app):
    return app.task(name="add")(lambda x, y=0: x + y)


@pytest.fixture
def clock(app):
    with hold_clock(app) as held:
        yield held


def kinds(outcomes):
    return [type(one) for one in outcomes]


def test_a_countdown_is_over_when_the_clock_has_been_moved_so_far(app, add, clock):
    add.apply_async((1,), countdown=3600)
    clock.shift(3599)
    assert drain(app) == []
    clock.tick(timedelta(seconds=1))
    assert kinds(drain(app)) == [Succeeded]


def test_a_moment_is_meant_by_the_clock_of_the_test(app, add, clock):
    clock.shift(24 * HOUR)
    add.apply_async((1,), eta=clock.now() + HOUR)
    add.apply_async((2,), eta=(clock.now() + HOUR).isoformat())
    clock.shift(HOUR - timedelta(minutes=1))
    assert drain(app) == []
    clock.shift(60)
    assert kinds(drain(app)) == [Succeeded, Succeeded]


def test_the_clock_is_moved_to_a_moment(app, add, clock):
    due = clock.now() + 30 * HOUR
    add.apply_async((1,), eta=due)
    clock.move_to(due - HOUR)
    assert drain(app) == []
    clock.move_to(due.astimezone(clocks.SYSTEM_CLOCK.now().tzinfo))
    assert kinds(drain(app)) == [Succeeded]
    assert timedelta() <= clock.now() - due < timedelta(minutes=5)
    with pytest.raises(ValueError, match="forward only"):
        clock.move_to(datetime(2020, 1, 1))  # noqa: DTZ001 - a naive moment is in the app's zone
    with pytest.raises(ValueError, match="forward only, not by -1 s"):
        clock.shift(-1)


def test_what_has_expired_does_not_run(app, add, clock):
    add.apply_async((1,), expires=60)
    add.apply_async((2,), expires=clock.now() + HOUR)
    clock.shift(61)
    assert sorted(kinds(drain(app)), key=repr) == [Revoked, Succeeded]


def test_a_retry_waits_for_the_clock(app, clock):
    @app.task(name="again", bind=True, max_retries=2, default_retry_delay=180)
    def again(self):
        if self.request.retries == 1:
            raise self.retry(eta=clock.now() + HOUR)
        raise self.retry(exc=ValueError("no"))

    again.delay()
    assert kinds(drain(app)) == [Retried]
    clock.shift(179)
    assert drain(app) == []
    clock.shift(1)
    assert kinds(drain(app)) == [Retried]
    clock.shift(HOUR - timedelta(seconds=5))
    assert drain(app) == []
    clock.shift(5)
    assert kinds(drain(app)) == [Failed]


def test_a_later_step_waits_for_the_clock(app, add, clock):
    note = app.task(name="note", bind=True)(lambda self, *_: self.request.eta)
    due = clock.now() + 3 * HOUR
    last = (add.s(1) | add.s(2).set(countdown=60) | note.s().set(eta=due)).delay()
    clock.shift(HOUR)  # the step that is due at a moment is still blocked
    assert len(drain(app)) == 1
    clock.shift(60)
    assert len(drain(app)) == 1
    clock.shift(HOUR)
    assert drain(app) == []
    clock.shift(HOUR)
    assert len(drain(app)) == 1
    assert abs(datetime.fromisoformat(last.get(timeout=30)) - due) < timedelta(seconds=1)


def test_a_key_is_free_when_its_window_is_over(app, add, clock):
    add.apply_async((1,), unique_key="k", unique_for=60, on_conflict="raise")
    drain(app)
    with pytest.raises(NotUnique):
        add.apply_async((1,), unique_key="k", unique_for=60, on_conflict="raise")
    clock.shift(60)
    add.apply_async((1,), unique_key="k", unique_for=60, on_conflict="raise")


def test_a_rate_of_the_fleet_follows(app, clock):
    slow = app.task(name="slow", fleet_rate_limit="1/h")(lambda: None)
    slow.delay()
    slow.delay()
    assert len(drain(app)) == 1
    clock.shift(HOUR)
    assert len(drain(app)) == 1


def test_a_worker_hears_of_it(app, add, clock):
    result = add.apply_async((1,), countdown=3600)
    with working(app):
        clock.shift(3600)
        assert result.get(timeout=30) == 1


def test_the_time_is_let_go_at_the_end(app, add):
    with hold_clock(app) as clock:
        clock.shift(HOUR)
    assert abs(clock.now() - clocks.SYSTEM_CLOCK.now()) < timedelta(minutes=1)
    add.apply_async((1,), eta=clocks.SYSTEM_CLOCK.now() - timedelta(seconds=1))
    assert len(drain(app)) == 1


class Standing(datetime):
    """What a library that stops Python's clock puts in the place of ``datetime``."""

    moment = datetime(2031, 5, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment.astimezone(tz)


def test_it_follows_a_library_that_stops_pythons_clock(app, add, clock, monkeypatch):
    monkeypatch.setattr(clocks, "datetime", Standing)
    clock.follow()
    add.apply_async((1,), eta=Standing.moment + HOUR)
    add.apply_async((2,), countdown=1800)
    assert drain(app) == []
    monkeypatch.setattr(Standing, "moment", Standing.moment + HOUR / 2)
    clock.follow()
    assert len(drain(app)) == 1
    monkeypatch.setattr(Standing, "moment", Standing.moment + HOUR / 2)
    clock.follow()
    assert len(drain(app)) == 1
    assert clock.now() == Standing.moment


class Travelled(datetime):
    """The same of one that lets it go on from elsewhere."""

    by = timedelta()

    @classmethod
    def now(cls, tz=None):
        return datetime.fromtimestamp(clocks.epoch_ns() / 1e9, tz) + cls.by


def test_it_follows_a_library_that_lets_pythons_clock_go_on(app, add, clock, monkeypatch):
    monkeypatch.setattr(clocks, "datetime", Travelled)
    monkeypatch.setattr(Travelled, "by", 1000 * HOUR)
    clock.follow()
    add.apply_async((1,), eta=Travelled.now(UTC) + HOUR)
    clock.follow()
    assert drain(app) == []
    monkeypatch.setattr(Travelled, "by", 1001 * HOUR)
    clock.follow()
    assert len(drain(app)) == 1

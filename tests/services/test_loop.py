"""A loop survives whatever its rounds raise, and says so once."""

import logging
import threading

from sqlqueue.errors import StoreUnavailable
from sqlqueue.services import loop as room
from sqlqueue.services.loop import Loop


def lines_of(caplog, monkeypatch, failures, reminder=60.0, error=None):
    """Let a loop fail so often and then work; return its log lines."""
    monkeypatch.setattr(room, "FIRST_REST_AFTER_ERROR", 1e-6)
    monkeypatch.setattr(room, "LONGEST_REST_AFTER_ERROR", 1e-6)
    monkeypatch.setattr(room, "REMINDER", reminder)
    left, works = [failures], threading.Event()

    def tick():
        left[0] -= 1
        if left[0] >= 0:
            raise error or StoreUnavailable("connection refused")
        works.set()
        return 60.0

    loop = Loop("consumer", tick)
    with caplog.at_level(logging.INFO, logger="sqlqueue.services"):
        loop.start()
        assert works.wait(20)
        loop.stop()
        assert loop.join(20)
    return [record.getMessage() for record in caplog.records]


def test_a_thousand_failures_are_one_line_and_one_that_it_works_again(caplog, monkeypatch):
    assert lines_of(caplog, monkeypatch, 1000) == [
        "consumer: StoreUnavailable: connection refused (will go on)",
        "consumer: works again after 1000 failed rounds",
    ]


def test_what_goes_on_for_long_is_said_again(caplog, monkeypatch):
    lines = lines_of(caplog, monkeypatch, 3, reminder=0.0)
    assert lines[1:3] == [
        f"consumer: StoreUnavailable: connection refused (will go on, {n} rounds in a row)" for n in (2, 3)
    ]


def test_a_round_that_exits_does_not_end_the_loop(caplog, monkeypatch):
    assert lines_of(caplog, monkeypatch, 1, error=SystemExit(5)) == [
        "consumer: SystemExit: 5 (will go on)",
        "consumer: works again after 1 failed rounds",
    ]

"""A watched file: the kernel tells of writes; where it does not, the file's version is read as before."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from contextlib import closing

import pytest

from sqlqueue.notify import listener as listener_module
from sqlqueue.notify.changes import Changes, changes_of
from sqlqueue.notify.listener import Listener
from sqlqueue.store.store import Store
from tests.support.clock import FakeClock
from tests.support.processes import wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has inotify; elsewhere the version is read")


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@linux
def test_a_write_is_told_and_others_are_not(tmp_path, pipe):
    file = tmp_path / "ours"
    with closing(Changes(str(file))) as changes:
        (tmp_path / "other").write_text("x")
        assert not changes.wait(0.0, pipe[0])
        file.write_text("made anew")
        assert changes.wait(20.0, pipe[0])
        assert not changes.wait(0.0, pipe[0])
        with file.open("a") as appended:
            appended.write("more")
        assert changes.wait(20.0, pipe[0])


@linux
def test_a_wait_can_be_cut_short(tmp_path, pipe):
    with closing(Changes(str(tmp_path / "ours"))) as changes:
        os.write(pipe[1], b"x")
        assert not changes.wait(60.0, pipe[0])


def test_a_folder_that_cannot_be_watched(tmp_path):
    assert changes_of(str(tmp_path / "no such folder" / "file")) is None


class Deaf:
    """A kernel that tells of nothing, as on a network's file system."""

    def wait(self, seconds, cut_short):
        threading.Event().wait(min(seconds, 0.01))
        return False

    def close(self):
        pass


@pytest.mark.parametrize("kernel", ["tells", "is deaf", "has none"])
def test_every_commit_is_heard_of_all_the_same(sqlite_url, monkeypatch, kernel):
    if kernel != "tells":
        monkeypatch.setattr(listener_module, "changes_of", lambda _: Deaf() if kernel == "is deaf" else None)
    store = Store(sqlite_url)
    heard: list[int] = []
    listener = Listener(store, [], lambda *_: None, lambda: heard.append(1))
    listener.start()
    wait_until("the first look", lambda: heard)
    with closing(sqlite3.connect(str(store.url.database), isolation_level=None)) as other:
        for number in range(6):
            before = len(heard)
            other.execute("INSERT INTO sqlqueue_leases VALUES (?, 'x', 'y')", (str(number),))
            wait_until(f"commit {number}", lambda before=before: len(heard) > before)
    listener.stop()
    assert listener.join(20)
    store.close()


class TellsOnce:
    """A kernel that tells of one write and then of none; notes for how long it was asked."""

    def __init__(self):
        self.asked = []

    def wait(self, seconds, cut_short):
        self.asked.append(seconds)
        return len(self.asked) == 1

    def close(self):
        pass


def test_a_second_write_that_was_told_with_the_first_is_looked_for_soon(sqlite_url, monkeypatch):
    kernel, clock, heard = TellsOnce(), FakeClock(), []
    monkeypatch.setattr(listener_module, "changes_of", lambda _: kernel)
    monkeypatch.setattr(listener_module, "monotonic", clock.monotonic)
    store = Store(sqlite_url)
    listener = Listener(store, [], lambda *_: None, lambda: heard.append(1))
    listener._watch()
    with closing(sqlite3.connect(str(store.url.database), isolation_level=None)) as other:
        other.execute("INSERT INTO sqlqueue_leases VALUES ('1', 'x', 'y')")
    clock.advance(0.004)
    listener._watch()
    clock.advance(listener_module.COMMIT_TAKES)
    listener._watch()
    assert len(heard) == 2
    assert kernel.asked[1:] == [pytest.approx(0.002), listener_module.GLANCE]
    listener._disconnect()
    store.close()

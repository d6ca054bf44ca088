"""Two ways in which something could have waited for ever."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.errors import StoreUnavailable
from sqlqueue.notify.channels import queue_channel
from sqlqueue.notify.listener import Listener
from sqlqueue.notify.waker import Waker
from sqlqueue.store.rows import Placed
from sqlqueue.store.store import Store
from sqlqueue.worker.held import Held
from sqlqueue.worker.relief import Relief
from tests.support.claimed import claimed


def test_a_stream_of_commits_does_not_put_the_message_off(postgres_url):
    store = Store(postgres_url)
    heard, listens, stop = threading.Event(), threading.Event(), threading.Event()
    listener = Listener(store, [queue_channel("q", None)], lambda *_: heard.set(), listens.set)
    listener.start()
    assert listens.wait(20)
    waker = Waker(store)
    for seq in range(1, 20_000):
        waker.placed([Placed(f"id-{seq}", "q", 0, seq)], 0.05)
        if heard.is_set():
            break
        stop.wait(0.001)  # always sooner than the delay is over
    assert heard.is_set()
    waker.close()
    listener.stop()
    assert listener.join(20)
    store.close()


class StuckPool:
    """One slot in a task for an hour, and one job behind it."""

    load, running = 2, 1

    def stuck_since(self):
        return SYSTEM_CLOCK.monotonic() - 3600

    def take_back(self):
        return [claimed(id="behind", token=7)]


def test_what_could_not_be_given_back_is_left_to_the_search_for_orphans():
    held = Held()
    held.take(StuckPool().take_back())
    pool: Any = StuckPool()
    relief = Relief(pool, held, SYSTEM_CLOCK, lambda: "w", lambda _: None)
    nobody_answers = Store("postgresql://nobody@127.0.0.1:1/nowhere").pinned()
    with pytest.raises(StoreUnavailable):
        relief.tick(nobody_answers)
    assert held.tokens == {}, "held by nobody here, so the next comparison with the database releases it"

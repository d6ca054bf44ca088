"""What a job of a broadcast queue becomes, and which queues are a worker's own."""

import itertools
import json

import pytest

from sqlqueue import Broadcast
from sqlqueue.client.routes import broadcast_names, queue_names, queue_of_exchange
from sqlqueue.config import Config
from sqlqueue.domain.broadcast import abandoned, own_queue, spread
from sqlqueue.domain.job import Job
from sqlqueue.domain.workflow import feeds
from sqlqueue.worker.broadcasts import Broadcasts

BARE = Job("j", 7, "news", 0, "t", "[1]", "{}", None, None, None, None, None, 1, 0, 0, 3, True, False, 1)


def laid_out(job, *queues, limits=None):
    numbers = itertools.count(1)
    return spread(job, queues, limits, "join", lambda: f"c{next(numbers)}")


def test_copies_are_the_job_once_more_in_other_queues():
    job = BARE._replace(
        priority=5, kwargs='{"a":2}', headers='{"h":1}', acks_late=False, max_crashes=1, root_id="r",
        options='{"feeds":true,"takes":"value","time_limit":9,"signature":{"args":1,"hmac":"x"}}',
        moments='{"eta":null,"expires":"2026-11-28T12:00:00+00:00"}',
    )  # fmt: skip
    last, copies, edges = laid_out(job, "news@a", "news@b", limits="1 key:k")
    assert [(one.id, one.queue) for one in copies] == [("c1", "news@a"), ("c2", "news@b")]
    assert edges == [("j", 0, "c1"), ("j", 1, "c2")]
    first = copies[0]
    assert (first.task, first.args, first.kwargs, first.headers) == ("t", "[1]", '{"a":2}', '{"h":1}')
    assert (first.priority, first.acks_late, first.max_crashes, first.limits) == (5, False, 1, "1 key:k")
    assert (first.parent_id, first.root_id, first.group_id) == ("j", "r", "j")
    assert f"{first.expires_at:%H:%M}" == "12:00"
    assert json.loads(first.options) == {
        "time_limit": 9, "signature": {"args": 1, "hmac": "x"}, "broadcast": "news", "feeds": True,
    }  # fmt: skip
    assert feeds(first.options), "the job waits for it"
    assert (last.id, last.task, last.queue, last.priority, last.blocked) == ("j", "join", "news", 5, True)
    assert json.loads(last.options) == {"feeds": True, "takes": "list"}


def test_what_is_not_wanted_of_the_job_is_not_wanted_of_the_whole():
    last, (copy,), _ = laid_out(BARE._replace(options='{"ignore_result":true}'), "news@a")
    assert json.loads(last.options) == {"ignore_result": True, "takes": "list"}
    assert json.loads(copy.options)["ignore_result"] is True
    assert copy.root_id == "j"


@pytest.mark.parametrize("options", [None, "null", "[]"])
def test_options_that_say_nothing(options):
    _, (copy,), _ = laid_out(BARE._replace(options=options), "news@a")
    assert json.loads(copy.options) == {"broadcast": "news", "feeds": True}


def test_a_copy_of_a_copy_says_where_it_is_from_now():
    _, (copy,), _ = laid_out(BARE._replace(queue="more", options='{"broadcast":"news"}'), "more@a")
    assert json.loads(copy.options)["broadcast"] == "more"


def test_what_a_worker_serves():
    some = Broadcasts({"news", "more"}, "w1")
    assert some.served(["a", "news", "b"]) == ("a", "news", "news@w1", "b")
    assert some.served(["news@w1", "a"]) == ("a",), "its own one goes with the queue that it belongs to"
    assert some.served(["news@w2"]) == ("news@w2",), "another's is a queue like any"
    assert some.paused(["news", "x"]) == {"news", "news@w1", "x"}
    assert some.weighed({"news": 3, "a": 1}) == {"news": 3, "news@w1": 3, "a": 1}
    assert (some.any, Broadcasts((), "w1").any) == (True, False)


def test_own_queues_of_workers_that_are_gone():
    rows = [
        ("w1", ["news", own_queue("news", "w1"), "x@w2"], False),
        ("w2", ["news", "news@w2"], False),
        ("w2", ["news@w2"], True),
        ("w3", ["a"], False),
    ]
    assert abandoned(rows) == ["news@w1"]


def test_the_settings():
    theirs = type("Broadcast", (), {"name": "bcast.1f3a", "alias": "old"})()
    kind = type("Louder", (Broadcast,), {})
    queue = type("Queue", (), {"name": "mail", "alias": "post"})()
    config = Config(task_queues=["a", Broadcast("news"), theirs, kind("more"), queue])
    assert queue_names(config) == ["a", "news", "old", "more", "mail"]
    assert broadcast_names(config) == {"news", "old", "more"}
    exchange = type("Exchange", (), {"name": "news"})()
    found = [queue_of_exchange(config, one) for one in ("news", exchange, "a", "other", "", None)]
    assert found == ["news", "news", None, None, None, None]

"""post, notices, answer, replies: commands to workers and what they say; the queues that a worker serves."""

import pytest

from sqlqueue.domain.control import EVERYBODY, Destination, Message, Reply
from sqlqueue.domain.which import Which
from sqlqueue.store.ops.answer import answer
from sqlqueue.store.ops.events import watch_events
from sqlqueue.store.ops.lease import take_lease
from sqlqueue.store.ops.notices import notices
from sqlqueue.store.ops.post import post
from sqlqueue.store.ops.prune import prune
from sqlqueue.store.ops.queues import pause
from sqlqueue.store.ops.replies import replies
from sqlqueue.store.ops.revoke import revoke
from sqlqueue.store.ops.revoked import revoked
from sqlqueue.store.ops.unknown import known_elsewhere
from sqlqueue.store.ops.workers import observe, serve
from tests.support.jobs import ME, OTHER, STRANGER, finish, put_many, sign_on, take_one

LONG_AGO = "2001-01-01 00:00:00.000000+00:00"
QUOTES = {"it's": ['"%s" :x', 7, None, {"a": True}], "ö": 1.5}


def messages(runner, worker=ME, since=0.0):
    return runner.run(notices, worker, since).messages


@pytest.mark.parametrize(
    "destination",
    [
        EVERYBODY,
        Destination(names=["a@b", "it's"]),
        Destination(pattern="mail*"),
        Destination(pattern="^m.*", matcher="pcre"),
        Destination(workers=[ME]),
    ],
)
def test_a_command_is_found_as_it_was_posted(runner, destination):
    sign_on(runner)
    posted = Message("m1", "rate_limit", QUOTES, destination, wants_reply=True)
    runner.run(post, posted, 60.0)
    (found,) = messages(runner)
    assert found._replace(destination=EVERYBODY) == posted._replace(destination=EVERYBODY)
    assert (list(found.destination.names or ()), list(found.destination.workers or ())) == (
        list(destination.names or ()),
        list(destination.workers or ()),
    )
    assert (found.destination.pattern, found.destination.matcher) == (destination.pattern, destination.matcher)
    assert messages(runner) == [found], "looking takes nothing away"


def test_one_that_is_over_is_not_found(runner):
    sign_on(runner)
    runner.run(post, Message("m1", "ping", {}), -1.0)
    assert messages(runner) == []


def test_who_starts_later_does_not_hear_it(runner):
    sign_on(runner)
    runner.run(post, Message("m1", "shutdown", {}), 60.0)
    runner.rows("UPDATE sqlqueue_control SET created_at = :then", then=LONG_AGO)
    sign_on(runner, OTHER, name="second")
    assert messages(runner, OTHER) == messages(runner, STRANGER) == []
    runner.rows("UPDATE sqlqueue_workers SET started_at = :then", then=LONG_AGO)
    assert [one.id for one in messages(runner, OTHER)] == ["m1"]
    assert messages(runner, STRANGER) == [], "who has not registered"


def test_only_what_is_new_is_asked_for(runner):
    sign_on(runner)
    runner.run(post, Message("m1", "ping", {}), 60.0)
    now = runner.run(notices, ME).now
    assert [one.id for one in messages(runner, since=now - 5.0)] == ["m1"]
    assert messages(runner, since=now + 5.0) == []
    later = runner.run(notices, ME).now
    assert 0.0 <= later - now < 30.0


def test_whether_somebody_watches_is_seen_at_the_same_look(runner):
    sign_on(runner)
    assert runner.run(notices, ME).watched is False
    runner.run(watch_events, OTHER, 60.0)
    assert runner.run(notices, ME).watched is True
    runner.rows("UPDATE sqlqueue_leases SET expires_at = :then", then=LONG_AGO)
    assert runner.run(notices, ME).watched is False


def test_paused_queues_are_seen_at_the_same_look(runner):
    sign_on(runner)
    assert runner.run(notices, ME).paused == []
    for name in ("a'\"", "b"):
        runner.run(pause, name)
    runner.run(post, Message("m1", "ping", {}), 60.0)
    found = runner.run(notices, ME)
    assert (sorted(found.paused), [one.id for one in found.messages]) == (["a'\"", "b"], ["m1"])


def test_answers_come_back_in_their_order_one_of_each_worker(runner):
    assert runner.run(replies, "m1") == []
    first, second = Reply(ME, "w@ö", QUOTES), Reply(OTHER, "second", ["x"])
    runner.run(answer, "m1", first)
    runner.run(answer, "m1", second)
    runner.run(answer, "m1", Reply(ME, "w@ö", "once more"))
    runner.run(answer, "m2", Reply(ME, "w@ö", None))
    assert runner.run(replies, "m1") == [first, second]
    assert runner.run(replies, "m2") == [Reply(ME, "w@ö", None)]


def test_what_json_cannot_hold_is_answered_as_it_looks(runner):
    runner.run(answer, "m1", Reply(ME, "w", {"set": {1}}))
    assert runner.run(replies, "m1")[0].reply == {"set": "{1}"}


def test_what_is_old_is_pruned(runner):
    sign_on(runner)
    for id_, seconds in (("old", -1.0), ("new", 60.0)):
        runner.run(post, Message(id_, "ping", {}), seconds)
        runner.run(answer, id_, Reply(ME, "w", 1))
    runner.rows("UPDATE sqlqueue_replies SET created_at = :then WHERE message_id = 'old'", then=LONG_AGO)
    runner.run(prune, 86400.0)
    assert [row["id"] for row in runner.rows("SELECT id FROM sqlqueue_control")] == ["new"]
    assert [row["message_id"] for row in runner.rows("SELECT message_id FROM sqlqueue_replies")] == ["new"]


def test_elections_are_forgotten_and_what_is_held_is_not(runner):
    runner.run(take_lease, "election:old", ME, -3600.0)
    runner.run(take_lease, "election:new", OTHER, -1.0)
    runner.run(take_lease, "leader", ME, 7.0)
    runner.run(prune, 86400.0)
    assert sorted(row["name"] for row in runner.rows("SELECT name FROM sqlqueue_leases")) == ["election:new", "leader"]


def test_a_worker_says_what_it_serves_now(runner):
    sign_on(runner)
    sign_on(runner, OTHER, name="second")
    runner.run(serve, ME, ["b", "a'"], ["shop.later", 'a"b'])
    found = {one.incarnation: one.queues for one in runner.run(observe)}
    assert found == {ME: ["b", "a'"], OTHER: ["testq"]}
    assert runner.run(known_elsewhere, ["shop.later", 'a"b', "shop.add"]) == {"shop.later", 'a"b', "shop.add"}


def test_what_was_revoked_lately_over_or_not(runner):
    running = take_one(runner)
    finish(runner, take_one(runner))
    waiting, _ = put_many(runner, 2)
    assert runner.run(revoked) == []
    runner.run(revoke, Which(ids=[running.id, waiting]))
    assert runner.run(revoked) == [waiting, running.id]
    assert runner.run(revoked, 1) == [waiting]

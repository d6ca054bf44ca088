"""events: told to whoever watches, numbered in the order in which they are committed, forgotten soon."""

import threading

from sqlqueue.store.ops.events import newest_event, prune_events, read_events, tell_events, watch_events
from tests.support.jobs import ME, OTHER

LONG_AGO = "2001-01-01 00:00:00.000000+00:00"


def event(number=0, **fields):
    return {"type": "task-sent", "hostname": "it's@ö", "uuid": str(number), **fields}


def tell(runner, *events, always=True):
    runner.run(tell_events, events, always=always)


def heard(runner, after=0, **how):
    return [told.event["uuid"] for told in runner.run(read_events, after, **how)]


def test_events_are_read_as_they_were_told_in_their_order(runner):
    start = runner.run(newest_event)
    told = [event(number, quotes=['"%s" :x', None, {"a": 1.5}]) for number in range(30)]
    tell(runner, *told[:20])
    tell(runner, *told[20:])
    found = runner.run(read_events, start)
    assert [one.event for one in found] == told
    assert [one.seq for one in found] == sorted({one.seq for one in found})
    assert runner.run(newest_event) == found[-1].seq
    assert [one.event for one in runner.run(read_events, found[4].seq, 3)] == told[5:8]
    assert runner.run(read_events, found[-1].seq) == []
    (row,) = runner.rows("SELECT type, hostname FROM sqlqueue_events WHERE seq = :seq", seq=found[0].seq)
    assert (row["type"], row["hostname"]) == ("task-sent", "it's@ö")


def test_what_json_cannot_hold_is_told_as_it_looks(runner):
    tell(runner, event(result={1}))
    assert runner.run(read_events, 0)[-1].event["result"] == "{1}"


def test_some_are_told_only_while_somebody_watches(runner):
    start = runner.run(newest_event)
    tell(runner, event(1), always=False)
    runner.run(watch_events, ME, 60.0)
    tell(runner, event(2), always=False)
    runner.run(watch_events, OTHER, -5.0)  # another one's shorter lease does not end it
    tell(runner, event(3), always=False)
    assert heard(runner, start) == ["2", "3"]
    runner.rows("UPDATE sqlqueue_leases SET expires_at = :then", then=LONG_AGO)
    tell(runner, event(4), always=False)
    tell(runner, event(5), always=True)
    assert heard(runner, start) == ["2", "3", "5"]


def test_what_is_old_is_forgotten_and_the_oldest_of_too_many(runner):
    tell(runner, *map(event, range(4)))
    first, *_, last = [one.seq for one in runner.run(read_events, 0)]
    runner.rows("UPDATE sqlqueue_events SET created_at = :then WHERE seq <= :seq", then=LONG_AGO, seq=first)
    runner.run(prune_events)
    assert heard(runner) == ["1", "2", "3"]
    runner.run(prune_events, 60.0, 2)
    assert heard(runner) == ["2", "3"]
    runner.run(prune_events, -60.0)
    assert (heard(runner), runner.run(newest_event)) == ([], 0)
    tell(runner, event(9))
    assert runner.run(newest_event) > last, "numbers never go back"


def test_who_has_read_one_has_seen_all_before_it(postgres_runner):
    """A reader that goes on from the last number it saw must not pass one that is committed later."""
    start = postgres_runner.run(newest_event)
    others = [postgres_runner.another() for _ in range(3)]
    stop = threading.Event()

    def talk(runner, who):
        for number in range(40):
            tell(runner, event(f"{who}-{number}"), event(f"{who}-{number}'"))

    threads = [threading.Thread(target=talk, args=(one, who)) for who, one in enumerate(others)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    after = start
    while len(seen) < 240 and not stop.wait(0.001):
        over = not any(thread.is_alive() for thread in threads)  # before the look, or its last words might be missed
        found = postgres_runner.run(read_events, after)
        seen += [one.seq for one in found]
        after = found[-1].seq if found else after
        if over and not found:
            break
    for thread, one in zip(threads, others, strict=True):
        thread.join()
        one.close()
    assert len(seen) == 240


def test_watching_twice_is_watching(runner):
    for _ in range(2):
        runner.run(watch_events, ME, 60.0)
    assert len(runner.rows("SELECT name FROM sqlqueue_leases")) == 1

"""A workflow that is rehearsed here and now ends as the same one does on the queue, errbacks and links included."""

import re

import pytest

from sqlqueue import Ignore, SQLQueue, chain, chord, group
from sqlqueue.testing.drain import drain


class Tasks:
    """Tasks that tell what they were called with, without ids, which differ from one run to the next."""

    def __init__(self, url):
        self.app = app = SQLQueue("rehearsed", broker=url)
        self.seen: list[object] = []
        self.add = app.task(name="add")(self._add)
        self.fail = app.task(name="fail")(self._fail)
        self.total = app.task(name="total")(self._total)
        self.give_up = app.task(name="give_up", bind=True)(self._give_up)
        self.told = app.task(name="told")(self._told)
        self.told_all = app.task(name="told_all")(self._told_all)
        self.alone = app.task(name="alone")(self._alone)
        self.swap = app.task(name="swap", bind=True)(self._swap)
        self.grow = app.task(name="grow", bind=True)(self._grow)
        self.stamps = app.task(name="stamps", bind=True)(self._stamps)
        self.count = app.task(name="count", bind=True)(self._count)

    def _add(self, x, y=0):
        self.seen.append(("add", x, y))
        return x + y

    def _fail(self, *_, message="no"):
        self.seen.append(("fail", message))
        raise ValueError(message)

    def _total(self, numbers):
        self.seen.append(("total", numbers))
        return sum(numbers)

    def _give_up(self, task, *_):
        task.update_state(state="REVOKED", meta="not now")
        raise Ignore

    def _told(self, job_id, label):
        self.seen.append(("told", label))

    def _alone(self, label):
        self.seen.append(("alone", label))

    def _told_all(self, request, exc, traceback, label):
        self.seen.append(("told_all", label, request.task, request.args, repr(exc).split(" ")[-1], bool(traceback)))

    def _swap(self, task, *given, sig):
        self.seen.append(("swap", *given))
        task.replace(self.app.signature(sig, given))

    def _grow(self, task, value, *, sig):
        task.add_to_chord(self.app.signature(sig))
        return value

    def _stamps(self, task, *_):
        self.seen.append(("stamps", task.request.stamps))
        return task.request.stamps

    def _count(self, task, left):
        if left:
            task.replace(task.si(left - 1))
        return task.request.retries


UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

SHAPES = {
    "a chain": lambda s: chain(s.add.s(1), s.add.s(2), s.add.s(3)),
    "a chain whose first step fails": lambda s: chain(s.fail.s(), s.add.s(1), s.add.s(2)).on_error(s.told.s("chain")),
    "a chain whose middle step fails": lambda s: chain(s.add.s(1), s.fail.s(), s.add.s(2)).on_error(s.told.s("chain")),
    "an errback of a step that is never reached": lambda s: chain(s.fail.s(), s.add.s(1).on_error(s.told.s("late"))),
    "an errback of three arguments": lambda s: s.fail.s(1, message="boom").on_error(s.told_all.s("three")),
    "an errback that takes nothing": lambda s: chain(s.fail.s(), s.add.s(1)).on_error(s.alone.si("nothing")),
    "a link": lambda s: s.add.s(1).on_error(s.told.s("never")) | s.add.s(5),
    "what follows on an errback": lambda s: s.fail.s().on_error(s.alone.si("first") | s.add.si(7)),
    "what follows on an errback that is not needed": lambda s: s.add.s(1).on_error(s.alone.si("first") | s.add.si(7)),
    "a chord": lambda s: chord([s.add.s(1), s.add.s(2)], s.total.s()),
    "a chord whose header fails": lambda s: chord([s.add.s(1), s.fail.s()], s.total.s()).on_error(s.told.s("body")),
    "a chord that is never reached": lambda s: chain(
        s.fail.s(), chord([s.add.s(1), s.add.s(2)], s.total.s()).on_error(s.told.s("never")), s.add.s(1)
    ).on_error(s.told.s("chain")),
    "a group on a group": lambda s: chain(group(s.add.s(1), s.fail.s()), group(s.total.s(), s.total.s())).on_error(
        s.told.s("chain")
    ),
    "a step that is revoked": lambda s: chain(s.give_up.s(), s.add.s(1)).on_error(s.told.s("revoked")),
    "a header of which one is revoked": lambda s: chord([s.give_up.s(), s.add.s(1)], s.total.s()).on_error(
        s.told.s("body")
    ),
}


def swapped(s, sig, *given):
    """Return a call that is replaced by another."""
    return s.swap.s(*given, sig=sig)


REPLACED = {
    "a task": lambda s: s.add.s(10),
    "an immutable one": lambda s: s.add.si(5, 5),
    "a chain": lambda s: s.add.s(10) | s.add.s(100),
    "a group": lambda s: group(s.add.s(10), s.add.s(20)),
    "a chord": lambda s: chord([s.add.s(10), s.add.s(20)], s.total.s()),
    "a chain that ends in a group": lambda s: s.add.s(1) | group(s.add.s(10), s.add.s(20)),
    "another that is replaced": lambda s: swapped(s, swapped(s, s.add.s(10))),
    "one that is replaced by a chain": lambda s: swapped(s, s.add.s(1) | s.add.s(2)) | s.add.s(3),
    "one that fails": lambda s: s.fail.s(message="boom"),
    "one that fails, with an errback": lambda s: s.fail.s(message="boom").on_error(s.told.s("inner")),
    "a chain whose first step fails": lambda s: s.fail.s() | s.add.s(1),
    "a chain that fails, with an errback": lambda s: (s.fail.s() | s.add.s(1)).on_error(s.told.s("inner")),
    "a chain whose last is replaced by one that fails": lambda s: (
        s.add.si(1) | swapped(s, s.fail.si() | s.add.s(1))
    ).on_error(s.told.s("inner")),
    "a chord whose header fails": lambda s: chord([s.add.s(1), s.fail.s()], s.total.s()),
    "one that is revoked": lambda s: s.give_up.s(),
    "one with a link": lambda s: linked(s.add.s(10), s.alone.si("inner link")),
    "a chain with a link": lambda s: linked(s.add.s(10) | s.add.s(20), s.alone.si("inner link")),
    "one with a stamp": lambda s: s.stamps.s().stamp(colour="red"),
}
"""What a job is replaced with, which is called with what it was given itself."""

AROUND = {
    "alone": lambda s, sig: swapped(s, sig, 1),
    "in a chain": lambda s, sig: chain(s.add.s(1), swapped(s, sig, 2), s.alone.si("after")),
    "in a group": lambda s, sig: group(swapped(s, sig, 1), s.add.s(1)),
    "in a header": lambda s, sig: chord([swapped(s, sig, 1), s.add.s(5)], s.alone.si("body")),
    "with a link": lambda s, sig: linked(swapped(s, sig, 1), s.alone.si("link")),
    "with an errback": lambda s, sig: swapped(s, sig, 1).on_error(s.told.s("outer")),
    "in a chain with an errback": lambda s, sig: chain(s.add.s(1), swapped(s, sig)).on_error(s.told.s("chain")),
    "stamped": lambda s, sig: swapped(s, sig, 1).stamp(weight=3),
}


def linked(sig, callback):
    """Return a signature on which another follows."""
    sig.link(callback)
    return sig


SHAPES |= {
    "a header that grows": lambda s: chord([s.grow.s(1, sig=s.add.s(10)), s.add.s(2)], s.total.s()),
    "a header that grows twice": lambda s: chord(
        [s.grow.s(1, sig=s.grow.s(2, sig=s.add.s(1, 1) | s.add.s(1)))], s.add.s([])
    ),
    "a header that grows by a group": lambda s: chord([s.grow.s(1, sig=group(s.add.s(2), s.add.s(3)))], s.add.s([])),
    "a header that grows by one that fails": lambda s: chord([s.grow.s(1, sig=s.fail.s())], s.total.s()).on_error(
        s.told.s("body")
    ),
    "what is replaced grows the header": lambda s: chord([swapped(s, s.grow.s(sig=s.add.s(10)), 1)], s.total.s()),
    "what grows no header": lambda s: s.grow.s(1, sig=s.add.s(10)),
}


def ending(result):
    """Return state and value of a handle, without the ids in it."""
    members = getattr(result, "results", None)
    if members is not None:
        return [ending(one) for one in members]
    value = result.get(timeout=30, propagate=False)
    return result.state, re.sub(UUID, "ID", f"{type(value).__name__}: {value}")


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_rehearsal_ends_as_the_queue_does(database_url, shape, allowed):
    tasks = Tasks(database_url)
    tasks.app.conf.task_allow_error_cb_on_chord_header = allowed
    real = SHAPES[shape](tasks).delay()
    drain(tasks.app)
    expected, seen = ending(real), sorted(tasks.seen, key=repr)
    tasks.seen.clear()
    assert ending(SHAPES[shape](tasks).apply()) == expected
    assert sorted(tasks.seen, key=repr) == seen
    tasks.app.close()


@pytest.mark.parametrize("place", AROUND)
def test_a_replacement_ends_as_on_the_queue(database_url, place):
    tasks = Tasks(database_url)
    sent = {name: AROUND[place](tasks, made(tasks)).delay() for name, made in REPLACED.items()}
    drain(tasks.app)
    expected, seen = {name: ending(result) for name, result in sent.items()}, sorted(tasks.seen, key=repr)
    tasks.seen.clear()
    assert {name: ending(AROUND[place](tasks, made(tasks)).apply()) for name, made in REPLACED.items()} == expected
    assert sorted(tasks.seen, key=repr) == seen
    tasks.app.close()

"""A signal: who is connected, who is called, and that nobody is hurt."""

import gc
import logging

from sqlqueue.signals import Place, Signal


class Heard:
    def __init__(self):
        self.senders = []

    def take(self, sender, **_):
        self.senders.append(sender)


def test_a_receiver_is_called_with_the_sender_and_all_that_is_sent():
    signal, heard = Signal("moved"), []

    @signal.connect
    def receiver(signal, sender, **named):
        heard.append((signal.name, sender, named))
        return "answer"

    assert signal.send("me", x=1) == [(receiver, "answer")]
    assert heard == [("moved", "me", {"x": 1})]


def test_a_receiver_is_connected_once_and_disconnected():
    signal, one, two = Signal("moved"), Heard(), Heard()
    for _ in range(2):
        signal.connect(one.take)
    signal.connect(two.take)
    signal.send("a")
    assert signal.disconnect(one.take)
    assert not signal.disconnect(one.take)
    signal.send("b")
    assert (one.senders, two.senders) == (["a"], ["a", "b"])


def test_a_receiver_may_want_one_sender_only():
    class Task:
        name = "shop.add"

    signal, heard = Signal("moved"), Heard()
    signal.connect(heard.take, sender="shop.add")
    task = Task()
    for sender in ("shop.add", "shop.mail", task, None):
        signal.send(sender)
    assert heard.senders == ["shop.add", task]
    assert (signal.has_listeners("shop.add"), signal.has_listeners("shop.mail")) == (True, False)


def test_a_receiver_that_is_gone_is_forgotten_unless_it_is_held():
    signal, kept = Signal("moved"), []
    lost = Heard()
    signal.connect(lost.take)
    signal.connect(lambda sender, **_: kept.append(sender), weak=False)
    del lost
    gc.collect()
    signal.send("x")
    assert (kept, len(signal.receivers)) == (["x"], 1)


def test_a_second_receiver_of_one_identity_is_not_connected():
    signal, one, two = Signal("moved"), Heard(), Heard()
    signal.connect(one.take, dispatch_uid="only one")
    signal.connect(two.take, dispatch_uid="only one")
    signal.send("x")
    assert (one.senders, two.senders) == (["x"], [])
    assert signal.disconnect(dispatch_uid="only one")


def test_what_a_receiver_raises_is_logged_and_the_next_is_called(caplog):
    signal, heard = Signal("moved"), Heard()

    @signal.connect
    def broken(**_):
        raise ValueError("no")

    signal.connect(heard.take)
    with caplog.at_level(logging.ERROR, "sqlqueue.signals"):
        ((_, error), _) = signal.send("x")
    assert isinstance(error, ValueError)
    assert heard.senders == ["x"]
    assert "a receiver of moved failed" in caplog.text


def test_a_place_is_watched_while_somebody_is_connected_to_one_of_its_signals():
    place = Place()
    signals = [Signal("before", place), Signal("after", place)]
    heard, watched = Heard(), [place.watched]
    signals[1].connect(heard.take)
    watched.append(place.watched)
    assert [bool(one) for one in signals] == [False, True]
    signals[1].disconnect(heard.take)
    assert [*watched, place.watched] == [False, True, False]

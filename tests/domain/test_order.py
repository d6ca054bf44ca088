"""The order of queues: as one writes them, or by weight."""

from random import Random

import pytest

from sqlqueue.errors import ConfigError
from sqlqueue.worker.lanes import Lanes
from sqlqueue.worker.order import Queues, Weighted, read_queues
from tests.support.clock import FakeClock


def test_queues_with_weights_take_turns_accordingly():
    order = Weighted({"a": 3, "b": 1}, Random(7))
    lanes = Lanes(["b", "a"], FakeClock(), remember=True, order=order)
    lanes.add([("b", 5)])
    firsts = [lanes.reads(0, 100) for _ in range(1000)]
    assert sum(reads[0].priority == 5 for reads in firsts) >= 900 - 1
    plain = [next(read.queue for read in reads if read.priority == 0) for reads in firsts]
    assert 0.7 < plain.count("a") / 1000 < 0.8


@pytest.mark.parametrize(
    ("texts", "queues"),
    [
        (["a"], Queues(("a",))),
        (["b, a", "c", "a"], Queues(("b", "a", "c"))),
        (["high=3,low"], Queues(("high", "low"), {"high": 3, "low": 1})),
        (["x=y=2"], Queues(("x=y",), {"x=y": 2})),
    ],
)
def test_queues_as_one_writes_them(texts, queues):
    assert read_queues(texts) == queues


@pytest.mark.parametrize("text", ["a=0", "a=-1", "a=x", "a=", "=3", "a=1.5"])
def test_weights_that_cannot_be(text):
    with pytest.raises(ConfigError, match="use NAME or NAME=3"):
        read_queues([text])


def test_where_no_queue_is_named_none_is_left_out():
    with pytest.raises(ConfigError, match="no queue is named: give -Q a name"):
        read_queues(["", " ,"]).without([])

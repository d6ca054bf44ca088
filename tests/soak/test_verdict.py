"""The check of the soak can fail: each kind of loss and doubling, planted, is found."""

import pytest

from tests.soak.verdict import Result, Sent, histogram, judge

SENT = [
    Sent("a", "plain", 1),
    Sent("b", "once", 2),
    Sent("c", "retried", 3),
    Sent("d", "revoked", 4),
    Sent("e", "rolled-back", 5),
    Sent("f", "total", 6),
]
EFFECTS = ["a", "a", "b", "c", "c", "c", "f"]
RESULTS = [
    Result("a", "succeeded", "1"),
    Result("b", "failed", None, "WorkerLost"),
    Result("c", "succeeded", "3"),
    Result("d", "revoked", None),
    Result("f", "succeeded", "6"),
]


def test_a_good_end_has_no_complaints():
    verdict = judge(SENT, EFFECTS, RESULTS, [])
    assert verdict.complaints == []
    assert verdict.executions == {2: 1, 1: 2, 3: 1, 0: 1}
    assert histogram(verdict.executions).splitlines()[0].split() == ["0", "x", "1", "jobs", "#" * 20]


PLANTED = {
    "lost: ": (EFFECTS, RESULTS[1:], []),
    "stuck: ": (EFFECTS, RESULTS[1:], ["a"]),
    "accepted, and not over: ": (EFFECTS, RESULTS, ["a"]),
    "accepted twice: ": (EFFECTS, [*RESULTS, RESULTS[0]], []),
    "rolled back, and there: ": ([*EFFECTS, "e"], RESULTS, []),
    "ran 2 times and may run once: ": ([*EFFECTS, "b"], RESULTS, []),
    "succeeded without an execution: ": (EFFECTS[:-1], RESULTS, []),
    "has the result 7: ": (EFFECTS, [*RESULTS[:-1], Result("f", "succeeded", "7")], []),
    "ended as failed (KeyError): ": (EFFECTS, [*RESULTS[:-1], Result("f", "failed", None, "KeyError")], []),
    "nobody sent it: ": ([*EFFECTS, "x"], RESULTS, []),
}


@pytest.mark.parametrize("words", PLANTED)
def test_what_is_planted_is_found(words):
    (complaint,) = judge(SENT, *PLANTED[words]).complaints
    assert complaint.startswith(words)


def test_a_job_that_only_came_in_a_rolled_back_transaction_is_found_in_each_list():
    for planted in ([["e"], [], []], [[], [Result("e", "succeeded", "5")], []], [[], [], ["e"]]):
        assert judge([SENT[4]], *planted).complaints == [f"rolled back, and there: {SENT[4]}"]

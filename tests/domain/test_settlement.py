"""decide: every outcome of every job leads along the table of states, and nowhere else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sqlqueue.domain.job import Job
from sqlqueue.domain.outcome import Crashed, Failed, Failure, Retried, Returned, Revoked, Succeeded
from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.settlement import decide as decide_typed
from sqlqueue.domain.states import FINISHED, TRANSITIONS, UNFINISHED, State, may_move
from tests.support.claimed import claimed

words = st.text('aä\n"', max_size=8)
seconds = st.floats(0, 1e6)
failures = st.builds(Failure, words, st.none() | words, st.none() | words)
returns = st.builds(Returned, seconds, st.none() | words, st.booleans())
outcomes = st.one_of(
    st.builds(Succeeded, st.none() | words, seconds),
    st.builds(Failed, failures, seconds),
    st.builds(Retried, st.floats(-1e6, 1e6), failures, seconds),
    st.builds(Revoked, words),
    returns,
    st.builds(Crashed, words),
)
counts = st.integers(0, 9)
jobs = st.builds(
    Job,
    id=words, seq=st.integers(), queue=words, priority=st.integers(-9, 9), task=words, args=st.just("[]"),
    kwargs=st.just("{}"), headers=st.none(), options=st.none(), parent_id=st.none(), root_id=st.none(),
    group_id=st.none(), attempt=counts, retries=counts, crashes=counts,
    max_crashes=st.integers(1, 9), acks_late=st.booleans(), expired=st.booleans(), token=counts,
)  # fmt: skip


def decide(job, outcome) -> Any:
    return decide_typed(job, outcome)


def state_after(settlement):
    """Return the state that the settlement's SQL writes."""
    if isinstance(settlement, Finish):
        return settlement.state
    return State.SCHEDULED if settlement.delay > 0 else State.READY


@given(jobs, outcomes)
def test_a_running_job_only_makes_legal_moves(job, outcome):
    settlement = decide(job, outcome)
    assert settlement.id == job.id
    assert may_move(State.RUNNING, state_after(settlement))
    if not isinstance(settlement, Finish):
        assert settlement.delay >= 0


@given(jobs, outcomes)
def test_only_a_crash_counts_as_one(job, outcome):
    settlement = decide(job, outcome)
    before = {None, job.crashes}
    if not isinstance(settlement, Reschedule):
        assert (settlement.crashes in before) == (not isinstance(outcome, Crashed))


@given(jobs, outcomes)
def test_only_a_retry_counts_as_one(job, outcome):
    settlement = decide(job, outcome)
    assert isinstance(settlement, Reschedule) == isinstance(outcome, Retried)
    if isinstance(settlement, Reschedule):
        assert settlement.retries == job.retries + 1


@given(jobs, st.builds(Crashed, words))
def test_a_crash_ends_jobs_that_may_not_run_again(job, outcome):
    settlement = decide(job, outcome)
    if not job.acks_late or job.crashes + 1 >= job.max_crashes:
        assert (settlement.state, settlement.crashes) == (State.FAILED, job.crashes + 1)
        assert settlement.failure.error.startswith(f"WorkerLost: {outcome.reason}")
        assert json.loads(settlement.failure.exception)["name"] == "WorkerLost"
    else:
        assert isinstance(settlement, GiveBack)
        assert (settlement.started, settlement.crashes, settlement.delay) == (True, job.crashes + 1, 0.0)


@given(jobs, returns)
def test_what_is_returned_goes_back_uncharged(job, outcome):
    settlement = decide(job, outcome)
    if outcome.started and not job.acks_late:  # at most once: it may not start again
        assert (settlement.state, settlement.crashes) == (State.FAILED, job.crashes)
        assert settlement.failure.error.startswith("WorkerLost: ")
    else:
        assert settlement == GiveBack(job.id, outcome.started, None, outcome.delay, outcome.reason, outcome.limits)


def test_outcomes_that_end_a_job_name_their_state():
    job = claimed()
    assert decide(job, Succeeded("5", 0.5)) == Finish("a", State.SUCCEEDED, "5", 0.5)
    assert decide(job, Failed(Failure("E: x"), 0.5)) == Finish("a", State.FAILED, None, 0.5, Failure("E: x"))
    assert decide(job, Revoked("why")) == Finish("a", State.REVOKED, None, None, Failure("why"))


def test_the_table_knows_every_state_and_finished_ones_only_return_by_hand():
    assert set(TRANSITIONS) == set(State) == set(UNFINISHED) | set(FINISHED)
    assert not set(UNFINISHED) & set(FINISHED)
    assert all(TRANSITIONS[state] <= {State.READY} for state in FINISHED)
    assert TRANSITIONS[State.RUNNING] >= set(FINISHED)

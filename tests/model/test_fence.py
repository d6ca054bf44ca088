"""The fence, in every order of events: claims, settlements, rescues, returns, lost answers, late commits, a crash.

Exhaustive up to three claims and one crash of the server. Each test without a part of the fence finds the shortest
way to a settlement that is accepted from somebody who does not hold the job any more.
"""

from contextlib import closing

import pytest

from sqlqueue.store.operation import Statement
from tests.support.fence_model import Model, Story
from tests.support.fence_tables import Tables, connect, without


def explore(
    url: str,
    *missing: str,
    at_most_once: bool = False,
    flush_first: bool = True,
    claims: int = 3,
    operator: bool = False,
) -> Story:
    connection, dialect = connect(url)
    with closing(connection):
        tables = Tables(connection, without(dialect, *missing), acks_late=not at_most_once)
        return Model(
            tables, at_most_once=at_most_once, flush_first=flush_first, claims=claims, operator=operator
        ).explore()


def test_nobody_is_believed_but_the_holder_and_no_job_is_lost(database_url):
    story = explore(database_url)
    assert story.complaint is None, story
    assert story.moments > 10_000, "the model has come to a stop somewhere"


def test_nor_while_somebody_revokes_and_retries_by_hand(database_url):
    story = explore(database_url, claims=2, operator=True)
    assert story.complaint is None, story
    assert story.moments > 5_000


def test_if_a_retry_by_hand_counted_claims_anew_a_stale_word_would_be_believed(database_url):
    connection, dialect = connect(database_url)
    forgetful = dialect.sql.retry.sql.replace("claim_token + 1", "0")
    assert forgetful != dialect.sql.retry.sql
    dialect.sql = dialect.sql._replace(retry=Statement(forgetful))
    with closing(connection):
        story = Model(Tables(connection, dialect), claims=2, operator=True).explore()
    assert story.complaint is not None
    assert "an operator retries" in story.way


@pytest.mark.parametrize("missing", ["token", "incarnation"])
def test_without_a_part_of_the_fence_somebody_else_is_believed(database_url, missing):
    story = explore(database_url, missing)
    assert story.complaint is not None
    assert story.complaint.endswith("accepted from somebody who did not hold the job"), story


def test_without_the_incarnation_it_takes_a_crash_that_forgets_a_claim(database_url):
    assert "the server crashes" in explore(database_url, "incarnation").way


def test_a_job_that_may_run_once_starts_once(database_url):
    story = explore(database_url, at_most_once=True)
    assert story.complaint is None, story
    assert story.moments > 1_000


def test_started_before_its_claim_is_on_disk_it_starts_twice(database_url):
    story = explore(database_url, at_most_once=True, flush_first=False)
    assert story.complaint == "the job started twice"
    assert "the server crashes" in story.way


def test_the_state_is_implied_by_the_worker_until_the_worker_is_not_compared(database_url):
    """A CHECK says that a row has a worker exactly while it runs."""
    assert explore(database_url, "state", claims=2).complaint is None
    assert explore(database_url, "incarnation", "state", claims=2).complaint is not None

"""What asks for another try, what is said when that cannot be, and what a job shows that waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from sqlqueue import EnqueueError, Retry, SQLQueue, TaskRevoked
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.outcome import Retried, Succeeded
from sqlqueue.domain.which import Which
from sqlqueue.testing.drain import drain


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def retrying(app, **given):
    """Return a task that retries once."""

    @app.task(bind=True)
    def again(self):
        if not self.request.retries:
            self.retry(**given)

    return again


def test_a_job_that_waits_for_its_next_try_shows_why(app):
    @app.task(bind=True, max_retries=None)
    def again(self):
        try:
            {"e": 1}["é"]
        except KeyError as error:
            self.retry(exc=error, countdown=600 if self.request.retries else 0)

    result = again.delay()
    assert (result.state, result.info, result.traceback) == ("PENDING", None, None)
    assert [type(one) for one in drain(app)] == [Retried, Retried]
    assert (result.state, type(result.result), result.info.args) == ("RETRY", KeyError, ("é",))
    assert '["é"]' in result.traceback
    assert not result.ready()
    history = app.jobs.show(result.id).history
    assert ["traceback" in one for one in history] == [False, True], "of the latest alone"
    app.jobs.revoke(Which(ids=[result.id]))
    assert isinstance(result.result, TaskRevoked)


ASKED = {
    "a message and a moment": Retry("not yet", when=0),
    "an exception alone": Retry(exc=ValueError("why")),
    "a moment with zone": Retry("not yet", ValueError("why"), SYSTEM_CLOCK.now()),
    "a span": Retry(when=timedelta(0)),
    "nothing": Retry(),
}


@pytest.mark.parametrize("how", ASKED)
def test_a_task_may_raise_retry_itself(app, how):
    @app.task(bind=True)
    def again(self):
        if not self.request.retries:
            raise ASKED[how]
        return "over"

    result = again.delay()
    first, last = drain(app)
    assert isinstance(first, Retried)
    assert isinstance(last, Succeeded)
    assert result.get(timeout=30) == "over"
    assert ("why" in first.failure.error) is ("exception" in how or "zone" in how)


def test_a_retry_says_why_and_when():
    assert str(Retry("not yet", when=3)) == "not yet"
    assert str(Retry(exc=ValueError("why"), when=3)) == "retry in 3 s: ValueError('why')"
    with pytest.raises(EnqueueError, match=r"when=.*'x': use seconds"):
        Retry(when=cast("Any", "x"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"countdown": "x"}, "countdown is 'x': use seconds"),
        ({"eta": "soon"}, "eta is 'soon': use a datetime"),
        ({"countdwn": 3}, "no option countdwn: did you mean 'countdown'"),
        ({"max_retrys": 3}, "did you mean 'max_retries'"),
        ({"zzz": 3}, "docs/tasks.md lists them"),
    ],
)
def test_what_is_wrong_with_a_retry_is_said(app, given, words):
    result = retrying(app, **given).delay()
    drain(app)
    with pytest.raises(EnqueueError, match=words):
        result.get(timeout=30)


def test_a_naive_eta_is_in_the_apps_time_zone(app):
    app.conf.timezone = "Asia/Tokyo"
    now = SYSTEM_CLOCK.now().astimezone(ZoneInfo("Asia/Tokyo")).replace(tzinfo=None)
    result = retrying(app, eta=now + timedelta(minutes=30)).delay()
    (outcome,) = drain(app, at_most=1)
    assert isinstance(outcome, Retried)
    assert 1700 < outcome.delay <= 1800
    assert result.state == "RETRY"

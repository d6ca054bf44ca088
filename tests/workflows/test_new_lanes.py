"""A job of a priority that no job has had before is found as soon as any other."""

from time import monotonic

import pytest

from sqlqueue import SQLQueue
from tests.support.inprocess import working

SOON = 3.0
"""Seconds; what is only found by the search that is made without reason takes 2 for a limit, 5 for a priority."""


@pytest.mark.parametrize("notifications", [True, False])
def test_a_priority_that_no_job_has_had_is_found_at_once(database_url, notifications):
    app = SQLQueue("lanes", broker=database_url, broker_notifications=notifications)
    add = app.task(name="add")(lambda x, y: x + y)
    with working(app):
        assert add.delay(1, 1).get(timeout=30) == 2
        for priority in (777, -3, 40):
            assert add.apply_async((1, priority), priority=priority).get(timeout=SOON) == 1 + priority
    app.close()


def test_a_limit_that_no_job_has_had_is_found_at_once(database_url):
    app = SQLQueue("lanes", broker=database_url, fleet_limits={f"task:limited{n}": 1 for n in range(4)})
    plain = app.task(name="plain")(lambda x: x)
    limited = [app.task(name=f"limited{n}")(lambda x: x) for n in range(4)]
    with working(app):
        assert plain.delay(0).get(timeout=30) == 0
        left = SOON
        for task in limited:
            began = monotonic()
            assert task.delay(1).get(timeout=left) == 1
            left -= monotonic() - began
            assert plain.delay(2).get(timeout=30) == 2
    app.close()

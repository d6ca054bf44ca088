"""Serializers of a Celery project, as its settings name them; those of kombu are in ``test_kombu``."""

from fractions import Fraction

import pytest

from sqlqueue.celery import Celery
from sqlqueue.errors import EncodingError
from sqlqueue.testing.drain import drain


def test_old_names_and_pickle(celery, database_url):
    with Celery("old", broker=database_url, set_as_current=False) as app:
        app.conf.update(CELERY_TASK_SERIALIZER="pickle", CELERY_RESULT_SERIALIZER="pickle")
        refused = app.task(lambda x: x, name="same").delay(Fraction(1))
        drain(app)
        with pytest.raises(EncodingError, match="accept_content"):
            refused.get(timeout=30)
        app.conf.update(CELERY_ACCEPT_CONTENT=["pickle"])
        result = app.tasks["same"].apply_async((Fraction(2),))
        drain(app)
        assert result.get(timeout=30) == Fraction(2)

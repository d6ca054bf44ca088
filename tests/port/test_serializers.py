"""Serializers of a Celery project: options that its calls name, and what it has registered with kombu."""

import sys
from fractions import Fraction
from types import SimpleNamespace

import pytest

from sqlqueue.celery import Celery
from sqlqueue.errors import EncodingError
from sqlqueue.testing.drain import drain


class Registry:
    """kombu's, as far as it is asked."""

    name_to_type = {"reversed": "application/x-reversed"}  # noqa: RUF012 - as there
    type_to_name = {"application/x-reversed": "reversed"}  # noqa: RUF012 - as there

    def dumps(self, value, serializer):
        return self.name_to_type[serializer], "utf-8", repr(value)[::-1]

    def loads(self, data, content_type, content_encoding, *, force):
        assert (content_type, content_encoding, force) == ("application/x-reversed", "utf-8", True)
        return data[::-1]


def test_what_kombu_knows_is_used(celery, monkeypatch):
    monkeypatch.setitem(sys.modules, "kombu.serialization", SimpleNamespace(registry=Registry()))
    celery.conf.accept_content = ["json", "reversed"]
    result = celery.task(lambda x: x, name="same", serializer="reversed").delay(12)
    drain(celery)
    assert result.get(timeout=30) == "12"


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

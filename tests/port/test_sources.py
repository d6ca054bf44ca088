"""Where a Celery app is told its settings, in forms that Celery takes or refuses: lists of brokers, mixed names."""

import pytest

from sqlqueue import ConfigError
from sqlqueue.celery import Celery
from sqlqueue.celery.exceptions import ImproperlyConfigured

FAILOVER = ["amqp://h", "amqp://i"]
SEVERAL = ["sqlite:///one.db", "postgresql://here/two"]


@pytest.mark.parametrize("broker", [FAILOVER, tuple(SEVERAL), ";".join(FAILOVER), ";".join(SEVERAL)])
@pytest.mark.parametrize("how", ["broker", "broker_url"])
def test_a_list_of_brokers(broker, how, monkeypatch):
    given = {how: broker}
    with pytest.raises(ConfigError, match="the broker is a list of 2 URLs: jobs are kept in one database, so give one"):
        Celery(set_as_current=False, **given)
    monkeypatch.setenv("SQLQUEUE_BROKER_URL", "sqlite:///instead.db")
    if "amqp" in str(broker):
        assert Celery(set_as_current=False, **given).conf.broker_url == "sqlite:///instead.db"
    else:
        with pytest.raises(ConfigError, match="a list of 2 URLs"):
            Celery(set_as_current=False, **given)


def test_a_list_of_one_broker():
    assert Celery(broker=["sqla+sqlite:///one;two.db"], set_as_current=False).conf.broker_url == "sqlite:///one;two.db"


class Mixed:
    """A module's settings, and what else is in it."""

    import sys as helper

    DATABASE_URL = "sqlite:///of_the_project.db"
    CELERYD_CONCURRENCY = 3


def test_old_and_new_names_mixed():
    app = Celery("proj", set_as_current=False)
    mixed = {"timezone": "Asia/Tokyo", "CELERYD_CONCURRENCY": 3}
    with pytest.raises(ImproperlyConfigured, match="mixed: rename CELERYD_CONCURRENCY -> worker_concurrency"):
        app.config_from_object(mixed)
    assert app.conf.timezone == "UTC"
    app.config_from_object(mixed | {"worker_concurrency": 3})
    assert (app.conf.timezone, app.conf.worker_concurrency) == ("Asia/Tokyo", 3)
    app.config_from_object(Mixed)
    app.config_from_object({"CELERY_timezone": "UTC", "CELERYD_CONCURRENCY": 2}, namespace="CELERY")
    Mixed.task_default_queue = "mail"  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="mixed: rename CELERYD_CONCURRENCY -> worker_concurrency, or"):
        app.config_from_object(Mixed)
    del Mixed.task_default_queue  # type: ignore[attr-defined]

"""Settings: checked when they are set, wherever they come from."""

from __future__ import annotations

import pytest

from sqlqueue import Config, ConfigError, SQLQueue


def test_the_environment_says_what_nobody_else_does(monkeypatch):
    monkeypatch.setenv("SQLQUEUE_BROKER_NOTIFICATIONS", "no")
    monkeypatch.setenv("SQLQUEUE_RESULT_EXPIRES", "3600")
    monkeypatch.setenv("SQLQUEUE_WORKER_CONCURRENCY", "4")
    monkeypatch.setenv("SQLQUEUE_TASK_DEFAULT_QUEUE", "mail")
    app = SQLQueue(task_default_queue="chosen")
    assert app.conf.broker_notifications is False
    assert app.conf.result_expires == 3600.0
    assert app.conf.worker_concurrency == 4
    assert app.conf.task_default_queue == "chosen"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("BROKER_NOTIFICATIONS", "perhaps", "use true or false"),
        ("RESULT_EXPIRES", "a week", "use a number"),
        ("WORKER_CONCURRENCY", "0", "use a number from 1"),
        ("WORKER_POOL", "eventlet", "use one of prefork, threads, asyncio, solo"),
    ],
)
def test_nonsense_in_the_environment(name, text, said):
    with pytest.raises(ConfigError, match=said):
        Config.from_environment({f"SQLQUEUE_{name}": text})


def test_an_unknown_setting():
    with pytest.raises(ConfigError, match="did you mean 'task_default_queue'"):
        SQLQueue(task_defaultqueue="q")
    with pytest.raises(ConfigError, match="no setting 'nonsense'"):
        SQLQueue().conf.update(nonsense=1)


def test_timezone_must_exist():
    with pytest.raises(ConfigError, match="IANA"):
        SQLQueue(timezone="Europe/Atlantis")
